"""What time it is (UTC) or, before anybody said so, how long the board has been up.

A board without a clock still screens. Time comes by SNTP (RFC 4330), asked without blocking.
"""

import asyncio
import os
import socket
import struct
import time

from machine import RTC

from kiosk.names import find

VALID_FROM = 1_735_689_600  # 2025-01-01: an unset clock is years before
NTP_PORT = 123
NTP_EPOCH = 2_208_988_800  # 1900 to 1970
ASK_EVERY_S = 3600
ASK_AGAIN_S = 15
ANSWER_MS = 2000

# The ESP32 port counts from 2000, the unix port from 1970.
_EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0


def utc():
    """Seconds since 1970 (an int: a board's floats have 24 bits), or None while unset."""
    now = int(time.time()) + _EPOCH_S
    return now if now >= VALID_FROM else None


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


def set_utc(now):
    """Set the board's clock."""
    # The unix port's tuple has nine fields, a board's eight; the first seven are alike.
    year, month, day, hour, minute, second, weekday = time.gmtime(now - _EPOCH_S)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


async def ask(host, port=NTP_PORT):
    """Ask one server once; UTC in ms, half of the way added, or None."""
    asked = os.urandom(8)  # an answer that does not repeat it is not to us
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        address = await find(host)
        if address is None:
            return None
        udp.connect(socket.getaddrinfo(address, port)[0][-1])
        udp.send(b"\x23" + bytes(39) + asked)
        began = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), began) < ANSWER_MS:
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


async def keep(host, port=NTP_PORT):
    """Keep the clock set, for ever."""
    while True:
        now_ms = await ask(host, port)
        if now_ms is not None:
            # The clock takes whole seconds: set it where one begins.
            answered = time.ticks_ms()
            left_ms = 1000 - now_ms % 1000
            await asyncio.sleep_ms(left_ms)
            late_ms = time.ticks_diff(time.ticks_ms(), answered) - left_ms
            set_utc((now_ms + left_ms + late_ms) // 1000)
        await asyncio.sleep(ASK_EVERY_S if now_ms is not None else ASK_AGAIN_S)
