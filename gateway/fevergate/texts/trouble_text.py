"""Translates the reasons of a gate's amber light, which the gateway writes from a closed set."""

import re
from collections.abc import Callable, Container

from fevergate.protocol.alarm_messages import NOT_RECORDED
from fevergate.protocol.lamp_answer import DARK, TEST
from fevergate.texts.post_words import names_its_kind
from fevergate.texts.translations import N_, Say

FAULTS = {
    "sensor": N_("sensor faulty"),
    "fault": N_("sensor faulty"),
    "no answer": N_("sensor does not answer"),
    "wrong checksum": N_("sensor's checksums are wrong"),
    "invalid value": N_("sensor's values are invalid"),
    "emissivity or filter changed": N_("sensor's emissivity or filter was changed"),
    "frozen value": N_("sensor's value is frozen"),
    "view too hot": N_("view too hot: sun or a heater"),
    "lens blocked": N_("something lies on the lens"),
    "warming up": N_("warming up after power-on"),
    "nobody as usual": N_("nobody seen where people usually come: covered, or a holiday"),
    "hall too cold": N_("hall below 16 °C: nobody can be called normal, heat it"),
    "hall too hot": N_("hall above 35 °C: nobody can be called normal, cool it"),
    "calibrating": N_("being calibrated"),
    "button held": N_("its button is held down or jammed"),
}
"""Faults that a kiosk (`kiosk.errors`) or a lamp post (`kiosk.post_app`) reports."""

TROUBLES = (
    ("not heard yet", N_("nothing heard yet")),
    ("offline", N_("offline")),
    ("silent", N_("silent")),
    (r"floods, (?P<count>\d+) not taken", N_("sends far too much, {count} not stored")),
    (
        r"crowd reads (?P<difference>\+\S+) C, check it",
        N_("everybody reads {difference} °C: sun or a heater? Otherwise calibrate the sensor"),
    ),
    (
        r"crowd reads (?P<difference>\S+) C, check it",
        N_("everybody reads {difference} °C: frost? If it stays, clean the lens and calibrate"),
    ),
    (
        r"differs by (?P<difference>\S+) C from (?P<others>.*)",
        N_("differs by {difference} °C from {others}"),
    ),
)
"""Patterns of `alarm.kiosk_monitor`'s texts, which follow a kiosk's name."""

HIGH_ADVICE = N_(
    "Keep sun and heaters off the kiosk and the faces; if it stays, check the sensor against a"
    " reference and calibrate it. Until then healthy people set off alarms."
)
LOW_ADVICE = N_(
    "Frost outside passes within the day. If it does not, clean the lens, check the sensor against"
    " a reference and calibrate it: until then fevers are missed."
)


def drift_advice(drift_c: float) -> str:
    """What to do about a kiosk whose crowd reads `drift_c` (°C) off; English, to be translated."""
    return HIGH_ADVICE if drift_c > 0 else LOW_ADVICE


_PASSWORD = N_("its password is not accepted")
_REFUSED = N_("the access point does not let it in")
_SECURITY = N_("its kind of security does not fit")
WIFI = {
    2: _REFUSED,
    5: N_("the access point has too many devices"),
    15: _PASSWORD,
    17: _SECURITY,
    **dict.fromkeys(range(18, 25), _SECURITY),
    200: N_("the signal was lost"),
    201: N_("no access point of that name was heard"),
    202: _PASSWORD,
    203: _REFUSED,
    204: _PASSWORD,
    205: _REFUSED,
    210: _SECURITY,
    211: _SECURITY,
    212: N_("the signal was too weak"),
    1000: N_("joining took too long"),
    1001: N_("joining took too long"),
    1010: N_("joined, but nothing got through"),
    1100: N_("no address was given (DHCP)"),
}
"""Reasons of a Wi-Fi outage (`kiosk.wifi`); numbers as in ESP-IDF's wifi_err_reason_t."""

NO_LAMP_WHY = (
    ("no GPIO chip of a Raspberry Pi here", N_("no GPIO chip of a Raspberry Pi here")),
    (r"(?P<file>/\S+) does not exist", N_("{file} does not exist")),
    (r"(?P<file>/\S+) may not be opened", N_("{file} may not be opened")),
    ("lgpio is not installed", N_("lgpio is not installed")),
    ("rpi-lgpio is not installed", N_("rpi-lgpio is not installed")),
    (
        "the settings say mock, on a Raspberry Pi",
        N_("the settings say mock, on a Raspberry Pi"),
    ),
)
"""Reasons of dark lamps (`alarm.gpio`); the text of a library's error is not translated."""

STOPS = "the gateway stops"
SETTINGS = "settings: gateway.toml damaged, the last are in force"
SECRETS = "broker: password or certificate unreadable"
LINES = (
    (STOPS, N_("the gateway stops")),
    (f"{TEST}red", N_("lamp test: red")),
    (f"{TEST}amber", N_("lamp test: amber")),
    (f"{TEST}green", N_("lamp test: green")),
    (f"{TEST}sound", N_("lamp test: sound")),
    (SETTINGS, N_("the gateway's settings are damaged; those of before are in force")),
    (SECRETS, N_("the gateway's password or certificate for the message broker cannot be read")),
    (
        NOT_RECORDED,
        N_(
            "the acknowledgement counts, but is not recorded yet: it will be as soon as the storage"
            " can be written"
        ),
    ),
    (
        r"broker dropped (?P<count>\d+) messages",
        N_("the message broker dropped {count} messages"),
    ),
    (
        "broker: store damaged, begun anew",
        N_("the message broker's store was damaged and begun anew: kiosks send again"),
    ),
    ("disk: full", N_("nothing is stored: the storage is full")),
    ("disk: read-only", N_("nothing is stored: the storage is read-only")),
    ("disk: absent", N_("nothing is stored: the storage is not there")),
    ("disk: locked", N_("nothing is stored: another program holds the database")),
    ("disk: damaged", N_("nothing is stored: the database is damaged")),
    (
        "disk: cannot be opened or written",
        N_("nothing is stored: the storage cannot be read or written"),
    ),
    (
        r"disk: no answer in (?P<count>\d+) s",
        N_("the storage has not answered for {count} s"),
    ),
    (
        r"database damaged, kept as (?P<name>.*)",
        N_("the database was damaged, and is kept as {name}"),
    ),
)
"""Patterns of what the gateway says about itself and its disk; red lights work without storage."""


def fault(word: str, say: Say) -> str:
    """A kiosk's fault, translated; an unknown fault, of newer firmware, stays as it is."""
    return say(FAULTS[word]) if word in FAULTS else word


def wifi(code: int, say: Say) -> str:
    """The reason of a kiosk's last Wi-Fi outage."""
    return say(WIFI[code]) if code in WIFI else say("reason {code}", code=code)


def trouble(text: str, say: Say) -> str:
    """The trouble of one kiosk, without its name."""
    if text.startswith("sensor "):
        return fault(text.removeprefix("sensor "), say)
    return _translated(TROUBLES, text, say) or text


def line(text: str, say: Say, name: Callable[[str], str] = str, posts: Container[str] = ()) -> str:
    """Translate one reason of a gate's amber light. `name` gives a device's name by its id, `posts`
    are the ids of lamp posts."""
    if text.startswith(DARK):
        why = text.removeprefix(DARK)
        return say("no lamp can be lit: {why}", why=_translated(NO_LAMP_WHY, why, say) or why)
    if translated := _translated(LINES, text, say):
        return translated
    kiosk, colon, reason = text.partition(": ")
    if not colon:
        return text
    if kiosk in posts and not names_its_kind(name(kiosk)):
        return say("{post} (lamp post): {what}", post=name(kiosk), what=trouble(reason, say))
    return say("{kiosk}: {what}", kiosk=name(kiosk), what=trouble(reason, say))


def _translated(patterns: tuple[tuple[str, str], ...], text: str, say: Say) -> str:
    """A text by the first of (pattern, words) that matches all of it; "" if none does."""
    for pattern, words in patterns:
        if match := re.fullmatch(pattern, text):
            return say(words, **match.groupdict())
    return ""
