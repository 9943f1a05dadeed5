"""Non-blocking SNTP client (RFC 4330): the second source of time, used where the gateway has not
set the clock. Loaded for a query, and unloaded afterwards.
"""

import asyncio
import os
import socket
import struct
import time

from kiosk.address import is_address
from kiosk.on_demand import give_back

_NTP_PORT = 123
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_VALID_FROM = 1_735_689_600  # 2025-01-01, as in `clock`
_VALID_TO = 4_102_444_800  # 2100-01-01
_ANSWER_MS = 2000


def parse_answer(packet, stamp):
    """Unix time (ms) of an SNTP answer to the request with transmit timestamp `stamp` (8 bytes).

    None if the packet is not the answer of a synchronised server to that request.
    """
    if len(packet) < 48 or packet[0] & 0x07 != 4 or packet[0] >> 6 == 3:
        return None
    if not 1 <= packet[1] <= 15 or bytes(packet[24:32]) != stamp:
        return None
    seconds, fraction = struct.unpack(">II", packet[40:48])
    if seconds < _NTP_EPOCH:
        seconds += 1 << 32  # the era after 2036
    now = seconds - _NTP_EPOCH
    if not _VALID_FROM <= now < _VALID_TO:
        return None
    return now * 1000 + (fraction * 1000 >> 32)


async def ask(host, port=_NTP_PORT):
    """Ask a server once; returns the Unix time (ms), corrected by half the round trip, or None."""
    stamp = os.urandom(8)  # an answer must repeat this timestamp, so random bytes prevent forgery
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        address = host
        if not is_address(host):
            from kiosk.dns import find  # loaded only for a name: most hosts are addresses

            give_back("dns")
            address = await find(host)
        if address is None:
            return None
        udp.connect(socket.getaddrinfo(address, port)[0][-1])
        udp.send(b"\x23" + bytes(39) + stamp)
        began = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), began) < _ANSWER_MS:
            await asyncio.sleep_ms(10)
            try:
                packet = udp.recv(64)
            except OSError:
                continue
            now_ms = parse_answer(packet, stamp)
            if now_ms is None:
                return None
            return now_ms + time.ticks_diff(time.ticks_ms(), began) // 2
        return None
    except OSError:
        return None
    finally:
        udp.close()
