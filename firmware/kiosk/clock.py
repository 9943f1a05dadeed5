"""The board's UTC clock, set by the gateway over MQTT or by SNTP (`sntp`), and its uptime.

A board without a set clock still screens. The time is stored on flash every hour: after a power cut
the clock starts from it, which is enough for TLS, but no reading is dated until the clock is
confirmed. Where TLS then refuses a certificate as expired or not yet valid, and the gateway has not
set the clock, the clock restarts at 2000-01-01: one wrong SNTP answer must not end the connection
to the broker for ever.
"""

import asyncio
import time

from machine import RTC

from kiosk.errors import KioskError
from kiosk.on_demand import give_back
from kiosk.safe_file import SafeFile

_VALID_FROM = 1_735_689_600  # 2025-01-01: an unset clock is years before
_VALID_TO = 4_102_444_800  # 2100-01-01
_BEGIN = 946_684_800  # 2000-01-01, an ESP32's time after it had no power
_ASK_EVERY_S = 3600
_ASK_AGAIN_S = 15
_TOLD_MS = 4000  # an answer of the gateway that took longer is refused
_TOLD_S = 2 * 3600  # SNTP is not asked for this long after the gateway set the clock
_KEEP_EVERY_S = 3600
_JUMP_MS = 1000  # a smaller error is not corrected
_KEPT = "/clock"

# The ESP32 port counts from 2000, the unix port from 1970.
_EPOCH_S = _BEGIN if time.gmtime(0)[0] == 2000 else 0


_sure = True  # whether the gateway or SNTP confirmed the clock since power-on
_told_s = 0  # when the gateway set it last, by this clock; 0 once SNTP has changed it
_kept_s = 0  # when the time was stored on flash last


def _now():
    return int(time.time()) + _EPOCH_S


def utc():
    """Unix time (s) as an int (a board's floats have 24 bits), or None while unconfirmed."""
    now = _now()
    return now if _sure and now >= _VALID_FROM else None


def restore():
    """Call at boot: a clock that lost power starts from the stored time, unconfirmed.

    A clock that ran on through a reset stays confirmed if it was so before.
    """
    global _sure, _kept_s
    stored = SafeFile(_KEPT).read()
    if not isinstance(stored, dict):
        return
    at = stored.get("at")
    if type(at) is not int or not _VALID_FROM <= at < _VALID_TO:
        return
    _kept_s = at
    was_sure = stored.get("sure") is True
    _sure = was_sure and _now() >= at
    if _now() < at:
        set_utc(at)
        print("clock: as kept, not confirmed")
        if was_sure:
            _keep()  # as unconfirmed: the next reset must not find it confirmed


def confirm(now_ms):
    """Take the time from the gateway or SNTP (Unix time, ms); returns whether that changed `utc`,
    which was unconfirmed or off by more than `_JUMP_MS`."""
    global _sure, _told_s
    off_ms = now_ms - time.time_ns() // 1_000_000 - _EPOCH_S * 1000
    jump = not -_JUMP_MS <= off_ms <= _JUMP_MS
    if jump:
        set_utc(now_ms // 1000, now_ms % 1000)
        print("clock set")
        _told_s = 0
    if _sure and not jump:
        return False
    _sure = True
    _keep()
    return True


def take_answer(message, up_ms):
    """Take the gateway's answer to a health message; returns what `confirm` does.

    `message["at_ms"]` is the gateway's Unix time (ms), `message["up_ms"]` the uptime in the health
    message that it answers; `up_ms` is the uptime now. Raises `KioskError` for an implausible time
    or an answer older than `_TOLD_MS`.
    """
    global _told_s
    at_ms, asked_ms = message["at_ms"], message["up_ms"]
    if type(at_ms) is not int or not _VALID_FROM * 1000 <= at_ms < _VALID_TO * 1000:
        raise KioskError("at_ms: expected UTC in ms")
    if type(asked_ms) is not int or not 0 <= up_ms - asked_ms <= _TOLD_MS:
        raise KioskError("up_ms: expected an answer within %d ms" % _TOLD_MS)
    news = confirm(at_ms + (up_ms - asked_ms) // 2)
    _told_s = _now()
    return news


def refused():
    """Call when TLS refuses a certificate by its dates: restarts the clock at 2000-01-01,
    unconfirmed, unless the gateway has set it. Our certificates are valid from before 2000."""
    global _sure
    if _told_s or _now() < _VALID_FROM:
        return
    print("clock: not believed, begins again")
    _sure = False
    set_utc(_BEGIN)
    _keep()  # `restore` ignores this time: it is before `_VALID_FROM`


def _keep():
    """Store the time on flash, in a file small enough for LittleFS to hold in its metadata log."""
    global _kept_s
    _kept_s = _now()
    try:
        SafeFile(_KEPT).write({"at": _kept_s, "sure": _sure})
    except OSError as error:
        print("clock not kept:", error)


class Uptime:
    """Milliseconds since boot; does not wrap as `ticks_ms` does after 12 days."""

    def __init__(self):
        self._last = time.ticks_ms()
        self._up_ms = 0

    def ms(self):
        """The uptime (ms); call it at least once in six days."""
        now = time.ticks_ms()
        self._up_ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._up_ms


def set_utc(now, ms=0):
    """Set the board's clock to a Unix time (s) and milliseconds."""
    # `gmtime` has nine fields in the unix port, eight on a board; the first seven are the same.
    year, month, day, hour, minute, second, weekday = time.gmtime(now - _EPOCH_S)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, ms * 1000))


async def keep(host, port, news, idle):
    """Set the clock by SNTP and store the time on flash, for ever; calls `news` after a change.

    `host` "": SNTP is not used. The SNTP client is loaded only while `idle()`, nobody is scanned.
    """
    while True:
        now_ms = None
        if host and not 0 <= _now() - _told_s < _TOLD_S:
            while not idle():
                await asyncio.sleep_ms(100)
            from kiosk.sntp import ask

            give_back("sntp")
            now_ms = await ask(host, port)
            del ask
            if now_ms is not None and confirm(now_ms):
                news()
        if _now() >= _VALID_FROM and not 0 <= _now() - _kept_s < _KEEP_EVERY_S:
            _keep()
        await asyncio.sleep(_ASK_AGAIN_S if now_ms is None else _ASK_EVERY_S)
