"""What time it is (UTC) or, before anybody said so, how long the board has been up.

A board without a clock still screens. Time comes from the gateway over the line, or else by SNTP
(see `sntp`). The last time is kept on flash: after a power cut the clock begins there, good enough
for TLS, but no reading is dated by it until it is confirmed. Where TLS refuses a certificate by it
and the line did not set it, it begins again at 2000-01-01: one wrong answer to SNTP must not end
the line for ever.
"""

import asyncio
import time

from machine import RTC

from kiosk.errors import KioskError
from kiosk.on_demand import give_back
from kiosk.safe_file import SafeFile

_VALID_FROM = 1_735_689_600  # 2025-01-01: an unset clock is years before
_VALID_TO = 4_102_444_800  # 2100-01-01
_BEGIN = 946_684_800  # 2000-01-01, where an ESP32 without power begins
_ASK_EVERY_S = 3600
_ASK_AGAIN_S = 15
_TOLD_MS = 4000  # an answer over the line that took longer is too old
_TOLD_S = 2 * 3600  # what the line said last is better than SNTP for so long
_KEEP_EVERY_S = 3600
_JUMP_MS = 1000  # what is less wrong is left as it is
_KEPT = "/clock"

# The ESP32 port counts from 2000, the unix port from 1970.
_EPOCH_S = _BEGIN if time.gmtime(0)[0] == 2000 else 0


_sure = True  # whether somebody confirmed the clock since the power came
_told_s = 0  # when the line did so last, by this clock; 0 where SNTP has set it anew since
_kept_s = 0  # when the clock was kept last


def _now():
    return int(time.time()) + _EPOCH_S


def utc():
    """Seconds since 1970 (an int: a board's floats have 24 bits), or None while nobody said it."""
    now = _now()
    return now if _sure and now >= _VALID_FROM else None


def restore():
    """At the start: a clock that lost its power begins where it was kept, unconfirmed.

    One that went on through a reset is as sure as it was before.
    """
    global _sure, _kept_s
    kept = SafeFile(_KEPT).read()
    if not isinstance(kept, dict):
        return
    at = kept.get("at")
    if type(at) is not int or not _VALID_FROM <= at < _VALID_TO:
        return
    _kept_s = at
    was_sure = kept.get("sure") is True
    _sure = was_sure and _now() >= at
    if _now() < at:
        set_utc(at)
        print("clock: as kept, not confirmed")
        if was_sure:
            _keep()  # another reset finds a clock that goes on


def confirm(now_ms):
    """Take what somebody says it is (UTC, ms); returns whether that changes what we say."""
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


def told(message, up_ms):
    """The gateway's answer to a health of ours: `at_ms` is its time (UTC), `up_ms` the health's.

    Returns what `confirm` does. Raises `KioskError` for what is no time, or too old.
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
    """TLS says that a certificate has expired, or begins in the future: unless it was the line that
    set the clock it begins again, unconfirmed. Our certificates begin before 2000."""
    global _sure
    if _told_s or _now() < _VALID_FROM:
        return
    print("clock: not believed, begins again")
    _sure = False
    set_utc(_BEGIN)
    _keep()  # `restore` takes no such time


def _keep():
    """Keep the time on flash: a file so small that LittleFS has it in its log."""
    global _kept_s
    _kept_s = _now()
    try:
        SafeFile(_KEPT).write({"at": _kept_s, "sure": _sure})
    except OSError as error:
        print("clock not kept:", error)


class Uptime:
    """Milliseconds since the boot, beyond where `ticks_ms` wraps (12 days)."""

    def __init__(self):
        self._last = time.ticks_ms()
        self._up_ms = 0

    def ms(self):
        """Call at least once in six days."""
        now = time.ticks_ms()
        self._up_ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._up_ms


def set_utc(now, ms=0):
    """Set the board's clock (s, and ms)."""
    # The unix port's tuple has nine fields, a board's eight; the first seven are alike.
    year, month, day, hour, minute, second, weekday = time.gmtime(now - _EPOCH_S)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, ms * 1000))


async def keep(host, port, news, idle):
    """Keep the clock set and kept, for ever; `news` is called when it was not right before.

    Without a `host` nobody is asked; while somebody is measured (not `idle()`), nothing is loaded.
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
