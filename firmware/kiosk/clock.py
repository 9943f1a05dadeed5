"""What time it is (UTC) or, before anybody said so, how long the board has been up.

A board without a clock still screens. Time comes from the gateway over the line, or else by SNTP
(RFC 4330), asked without blocking. The last time is kept on flash: after a power cut the clock
begins there, good enough for TLS, but no reading is dated by it until it is confirmed.
"""

import asyncio
import os
import socket
import struct
import time

from machine import RTC

from kiosk.errors import KioskError
from kiosk.on_demand import give_back
from kiosk.settings import is_address
from kiosk.slots import Slots

VALID_FROM = 1_735_689_600  # 2025-01-01: an unset clock is years before
VALID_TO = 4_102_444_800  # 2100-01-01
_NTP_PORT = 123
NTP_EPOCH = 2_208_988_800  # 1900 to 1970
ASK_EVERY_S = 3600
_ASK_AGAIN_S = 15
_ANSWER_MS = 2000
TOLD_MS = 4000  # an answer over the line that took longer is too old
_TOLD_S = 2 * 3600  # what the line said last is better than SNTP for so long
_KEEP_EVERY_S = 3600
_JUMP_MS = 1000  # what is less wrong is left as it is
KEPT = "/clock"

# The ESP32 port counts from 2000, the unix port from 1970.
_EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0


_sure = True  # whether somebody confirmed the clock since the power came
_told_s = 0  # when the line did so last, by this clock
_kept_s = 0  # when the clock was kept last


def _now():
    return int(time.time()) + _EPOCH_S


def utc():
    """Seconds since 1970 (an int: a board's floats have 24 bits), or None while nobody said it."""
    now = _now()
    return now if _sure and now >= VALID_FROM else None


def restore():
    """At the start: a clock that lost its power begins where it was kept, unconfirmed.

    One that went on through a reset is as sure as it was before.
    """
    global _sure, _kept_s
    kept = Slots(KEPT).read()
    if not isinstance(kept, dict):
        return
    at = kept.get("at")
    if type(at) is not int or not VALID_FROM <= at < VALID_TO:
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
    global _sure
    off_ms = now_ms - time.time_ns() // 1_000_000 - _EPOCH_S * 1000
    jump = not -_JUMP_MS <= off_ms <= _JUMP_MS
    if jump:
        set_utc(now_ms // 1000, now_ms % 1000)
        print("clock set")
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
    if type(at_ms) is not int or not VALID_FROM * 1000 <= at_ms < VALID_TO * 1000:
        raise KioskError("at_ms: expected UTC in ms")
    if type(asked_ms) is not int or not 0 <= up_ms - asked_ms <= TOLD_MS:
        raise KioskError("up_ms: expected an answer within %d ms" % TOLD_MS)
    news = confirm(at_ms + (up_ms - asked_ms) // 2)
    _told_s = _now()
    return news


def _keep():
    """Keep the time on flash: a file so small that LittleFS has it in its log."""
    global _kept_s
    _kept_s = _now()
    try:
        Slots(KEPT).write({"at": _kept_s, "sure": _sure})
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


def parse_answer(packet, asked):
    """UTC in ms out of an SNTP answer to the request with transmit time `asked` (8 bytes).

    None where it is not a synchronised server's answer to it.
    """
    if len(packet) < 48 or packet[0] & 0x07 != 4 or packet[0] >> 6 == 3:
        return None
    if not 1 <= packet[1] <= 15 or bytes(packet[24:32]) != asked:
        return None
    seconds, fraction = struct.unpack(">II", packet[40:48])
    if seconds < NTP_EPOCH:
        seconds += 1 << 32  # the era after 2036
    now = seconds - NTP_EPOCH
    return now * 1000 + (fraction * 1000 >> 32) if now >= VALID_FROM else None


def set_utc(now, ms=0):
    """Set the board's clock (s, and ms)."""
    # The unix port's tuple has nine fields, a board's eight; the first seven are alike.
    year, month, day, hour, minute, second, weekday = time.gmtime(now - _EPOCH_S)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, ms * 1000))


async def ask(host, port=_NTP_PORT):
    """Ask one server once; UTC in ms, half of the way added, or None."""
    asked = os.urandom(8)  # an answer that does not repeat it is not to us
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        address = host
        if not is_address(host):
            from kiosk.names import find  # a name's resolver: most hosts are numbers

            give_back("names")
            address = await find(host)
        if address is None:
            return None
        udp.connect(socket.getaddrinfo(address, port)[0][-1])
        udp.send(b"\x23" + bytes(39) + asked)
        began = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), began) < _ANSWER_MS:
            await asyncio.sleep_ms(10)
            try:
                packet = udp.recv(64)
            except OSError:
                continue
            now_ms = parse_answer(packet, asked)
            if now_ms is None:
                return None
            return now_ms + time.ticks_diff(time.ticks_ms(), began) // 2
        return None
    except OSError:
        return None
    finally:
        udp.close()


async def keep(host, port, news):
    """Keep the clock set and kept, for ever; `news` is called when it was not right before.

    Without a `host` nobody is asked.
    """
    while True:
        now_ms = None
        if host and not 0 <= _now() - _told_s < _TOLD_S:
            now_ms = await ask(host, port)
            if now_ms is not None and confirm(now_ms):
                news()
        if _now() >= VALID_FROM and not 0 <= _now() - _kept_s < _KEEP_EVERY_S:
            _keep()
        await asyncio.sleep(_ASK_AGAIN_S if now_ms is None else ASK_EVERY_S)
