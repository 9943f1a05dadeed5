"""The settings of a kiosk in words: names, ranges with units, and what is wrong with a value."""

import re
from typing import NamedTuple

from msgspec.structs import asdict

from fevergate.errors import KioskValueError
from fevergate.kiosks.remote_settings import BASELINE_C, POST_FIELDS, THRESHOLD_C
from fevergate.protocol.messages import KioskValues
from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS


class SettingWords(NamedTuple):
    """A setting's title for people, and its possible values: a range with its unit, or choices."""

    title: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """The range, as short as possible."""
        return "" if self.low is None else f"{self.low:g}–{self.high:g}"


SETTINGS = {
    "threshold_c": SettingWords(N_("Threshold °C"), *THRESHOLD_C, " °C"),
    "site": SettingWords(N_("Site"), choices=("canthus", "face_max", "forehead")),
    "confirm_scans": SettingWords(N_("Scans after a first positive"), 0, 3),
    "baseline": SettingWords(N_("Follow the crowd"), choices=("auto", "fixed", "off")),
    "baseline_c": SettingWords(N_("Fixed baseline °C"), *BASELINE_C, " °C"),
    "language": SettingWords(N_("Language of its display"), choices=("zh", "en")),
    "volume": SettingWords(N_("Volume, percent"), 0, 100, " %"),
    "brightness": SettingWords(N_("Brightness, percent"), 1, 100, " %"),
    "quiet": SettingWords(N_("Quiet hours")),
    "notice": SettingWords(N_("Notice on its display")),
    "card": SettingWords(N_("Cards"), choices=("off", "record", "permit")),
    "card_reader": SettingWords(N_("Reader of cards"), choices=("binary", "line")),
    "card_order": SettingWords(N_("First byte of a card's number"), choices=("big", "little")),
    "card_base": SettingWords(N_("Digits of a line"), choices=("10", "16")),
}
"""The settings by name, in the order of a form."""

POST_SETTINGS = {name: SETTINGS[name] for name in POST_FIELDS}
"""The settings that a lamp post has."""

_WRONG = {
    "range": N_("{name}: {value} cannot be set, only {low} to {high}{unit}."),
    "choice": N_("{name}: {value} cannot be set, only: {choices}."),
    "quiet": N_("{name}: {value} cannot be set, only hours such as 22:00-06:30, or off."),
    "long": N_("{name}: at most 8 Chinese characters or 16 letters."),
    "signs": N_("{name}: {value} has signs that no display can show."),
    "post": N_("{name}: a lamp post has volume and quiet hours only."),
    "glyphs": N_("{name}: the display has no shape for {value}; only characters of GB 2312."),
}
"""Sentences by `KioskValueError.why`."""

_OF = {"quiet_from": "quiet", "quiet_to": "quiet", "notice_glyphs": "notice"}
"""The form's field for each setting that has another name on a kiosk."""

_REFUSED = (
    (r"version \d+: \d+ is in force", N_("It has newer settings already.")),
    (r"flash: .*", N_("Its memory cannot be written.")),
    (r"\w+: is the kiosk's own", N_("It keeps this setting for itself.")),
    (r"card_key: .*", N_("The kiosk has no key for cards: a setup code gives it one.")),
)


def as_form(values: KioskValues | None) -> dict[str, str]:
    """Values for a kiosk as the fields of a form; values that are not set are left out."""
    fields = {
        name: field_text(value)
        for name, value in asdict(values or KioskValues()).items()
        if value is not None and name in SETTINGS
    }
    if values and values.quiet_from is not None:
        fields["quiet"] = f"{values.quiet_from}-{values.quiet_to}" if values.quiet_from else "off"
    return fields


def field_text(value: object) -> str:
    """A value as the text of a form's field."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def values_in_words(values: KioskValues | None, say: Say) -> list[str]:
    """Each setting that has a value, as its title and value."""
    fields = as_form(values)
    return [
        f"{say(words.title)}{say(': ')}{value_in_words(name, fields[name], say)}"
        for name, words in SETTINGS.items()
        if name in fields
    ]


def value_in_words(name: str, value: str, say: Say) -> str:
    """A setting's value as people read it."""
    words = SETTINGS[name]
    if words.choices:
        return say(LABELS[value]) if value in LABELS else value
    if (name == "notice" and not value) or (name == "quiet" and value in ("", "off")):
        return say("none")
    return value + words.unit


def wrong_in_words(error: KioskValueError, say: Say) -> str:
    """What is wrong with a value: the setting, the given value, and the possible values."""
    return _sentence(error.field, error.why, error.value, say)


def refusal_in_words(text: str, say: Say) -> str:
    """A kiosk's refusal as a sentence; the kiosk writes it in English (`kiosk.settings_check`)."""
    for pattern, words in _REFUSED:
        if re.fullmatch(pattern, text):
            return say(words)
    field, colon, _ = text.partition(": expected ")
    name = _OF.get(field, field)
    if not colon or name not in SETTINGS:
        return text
    why = "choice" if SETTINGS[name].choices else name if name == "quiet" else "range"
    return _sentence(name, "long" if name == "notice" else why, say("what was sent"), say)


def _sentence(name: str, why: str, value: str, say: Say) -> str:
    words = SETTINGS[name]
    return say(
        _WRONG[why],
        name=say(words.title),
        value=value,
        low="" if words.low is None else f"{words.low:g}",
        high="" if words.high is None else f"{words.high:g}",
        unit=words.unit,
        choices=say(", ").join(say(LABELS.get(choice, choice)) for choice in words.choices),
    )
