"""Host names to addresses, asked over UDP (RFC 1035) without ever waiting.

`socket.getaddrinfo` of a name stops the whole board while a name server is silent, for 7 s each.
A name that ends in `.local` is asked for by multicast, once (RFC 6762, 5.1). What is answered is
believed as far as TLS then confirms it: a wrong address costs a connection, nothing else.
"""

import asyncio
import os
import socket
import struct
import time

PORT = 53
MULTICAST = ("224.0.0.251", 5353)
ASK_MS = (0, 1000, 3000, 7000)  # since the beginning, of each server
_GIVE_UP_MS = 15_000  # an answer may be so late
_PACKET_MAX = 512
_RECORDS_MAX = 32
_LABEL_MAX = 63
_NAME_MAX = 253
_A_IN = b"\x00\x01\x00\x01"
_POLL_MS = 20


def question(name):
    """The question for a name's addresses, as bytes. Raises `ValueError` for what is none."""
    parts = name.rstrip(".").encode().split(b".")
    if len(name) > _NAME_MAX or not all(0 < len(part) <= _LABEL_MAX for part in parts):
        raise ValueError("%s: no host's name" % name)
    return b"".join([bytes([len(part)]) + part for part in parts]) + b"\x00" + _A_IN


def query(number, sent):
    """A packet that asks for recursion."""
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + sent


def parse(packet, number, sent):
    """The address that a packet answers with; "" where it says that there is none.

    None where it is no answer to that question, or no message at all. A compressed name is
    stepped over, never followed: no packet can make that go round.
    """
    end = 12 + len(sent)
    if len(packet) < end or packet[12:end].lower() != sent.lower():
        return None
    got, flags, questions, answers = struct.unpack_from(">HHHH", packet)
    if got != number or not flags & 0x8000 or flags & 0x7800 or questions != 1:
        return None
    if flags & 0x000F not in (0, 3):
        return None  # it failed: another server may know
    at = end
    for _ in range(min(answers, _RECORDS_MAX)):
        at = _after_name(packet, at)
        if at is None or at + 10 > len(packet):
            return None
        size = struct.unpack_from(">H", packet, at + 8)[0]
        # The highest bit of a multicast answer's class asks to flush a cache.
        kind, group = struct.unpack_from(">HH", packet, at)
        at += 10
        if at + size > len(packet):
            return None
        if kind == 1 and group & 0x7FFF == 1 and size == 4:
            return "%d.%d.%d.%d" % tuple(packet[at : at + 4])
        at += size
    return ""


def _after_name(packet, at):
    """Where a name ends, or None where it does not."""
    while at < len(packet):
        length = packet[at]
        if length >= 0xC0:
            return at + 2
        if length > _LABEL_MAX:
            return None
        at += 1 + length
        if length == 0:
            return at
    return None


def servers():
    """The network's name server, and its router, which mostly forwards questions."""
    import network

    _, _, router, name_server = network.WLAN(network.STA_IF).ifconfig()
    known = []
    for address in (name_server, router):
        if address not in known and address != "0.0.0.0":  # noqa: S104 - none is known yet
            known.append(address)
    return known


class Lookup:
    """One name that is being asked for; raises `ValueError` for what is no name, `OSError`."""

    def __init__(self, name):
        self._question = question(name)
        self._multicast = name.lower().rstrip(".").endswith(".local")
        to = [MULTICAST] if self._multicast else [(address, PORT) for address in servers()]
        self._to = [socket.getaddrinfo(host, port)[0][-1] for host, port in to]
        self._number = struct.unpack(">H", os.urandom(2))[0]
        self._began = time.ticks_ms()
        self._asks = 0
        self._none = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)

    def tick(self):
        """The address, "" where there is none to be had, None while nobody has answered."""
        since_ms = time.ticks_diff(time.ticks_ms(), self._began)
        if self._asks < len(ASK_MS) and since_ms >= ASK_MS[self._asks]:
            self._asks += 1
            for way in self._to:
                try:
                    self._udp.sendto(query(self._number, self._question), way)
                except OSError:
                    pass  # no network for a moment: it is asked again
        try:
            packet, sender = self._udp.recvfrom(_PACKET_MAX)
        except OSError:
            packet = sender = None
        if packet and (self._multicast or sender in self._to):
            address = parse(packet, self._number, self._question)
            if address:
                return address
            self._none += address == ""
        if self._none >= max(1, len(self._to)) or since_ms >= _GIVE_UP_MS or not self._to:
            return ""
        return None

    def close(self):
        """Give up asking."""
        self._udp.close()


async def find(host):
    """The address of a host, or None; asynchronous, for seldom questions."""
    try:
        lookup = Lookup(host)
    except (OSError, ValueError):
        return None
    try:
        address = lookup.tick()
        while address is None:
            await asyncio.sleep_ms(_POLL_MS)
            address = lookup.tick()
        return address or None
    finally:
        lookup.close()
