"""Non-blocking DNS client over UDP (RFC 1035), with one-shot multicast DNS for `.local` names.

`socket.getaddrinfo` of a name blocks the whole board while a name server is silent, 7 s for each
server. Multicast: RFC 6762, 5.1. Answers are not authenticated; TLS checks the host afterwards, so
a forged address costs a connection attempt and nothing else.
"""

import asyncio
import os
import socket
import struct
import time

PORT = 53
MULTICAST = ("224.0.0.251", 5353)
ASK_MS = (0, 1000, 3000, 7000)  # when each server is asked, after the start of the lookup
_GIVE_UP_MS = 15_000  # from the start of a lookup until it is given up
_PACKET_MAX = 512
_RECORDS_MAX = 32
_LABEL_MAX = 63
_NAME_MAX = 253
_A_IN = b"\x00\x01\x00\x01"
_POLL_MS = 20


def question(name):
    """DNS question (bytes) for a name's IPv4 addresses. Raises `ValueError` for an invalid name."""
    parts = name.rstrip(".").encode().split(b".")
    if len(name) > _NAME_MAX or not all(0 < len(part) <= _LABEL_MAX for part in parts):
        raise ValueError("%s: no host name" % name)
    return b"".join([bytes([len(part)]) + part for part in parts]) + b"\x00" + _A_IN


def query(number, section):
    """DNS query packet: `number` is its identifier, `section` its `question`; recursion desired."""
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + section


def parse(packet, number, section):
    """The first IPv4 address in an answer; "" if the answer says that the name has no address; None
    if the packet is no answer to the query.

    `number` and `section` are those of the query. Compressed names are skipped, never followed, so
    no packet can cause a loop.
    """
    end = 12 + len(section)
    if len(packet) < end or packet[12:end].lower() != section.lower():
        return None
    identifier, flags, questions, answers = struct.unpack_from(">HHHH", packet)
    if identifier != number or not flags & 0x8000 or flags & 0x7800 or questions != 1:
        return None
    if flags & 0x000F not in (0, 3):
        return None  # this server failed; another one may know the name
    at = end
    for _ in range(min(answers, _RECORDS_MAX)):
        at = _after_name(packet, at)
        if at is None or at + 10 > len(packet):
            return None
        size = struct.unpack_from(">H", packet, at + 8)[0]
        # The top bit of the class is multicast DNS's cache-flush bit.
        kind, group = struct.unpack_from(">HH", packet, at)
        at += 10
        if at + size > len(packet):
            return None
        if kind == 1 and group & 0x7FFF == 1 and size == 4:
            return "%d.%d.%d.%d" % tuple(packet[at : at + 4])
        at += size
    return ""


def _after_name(packet, at):
    """Offset after the name that starts at `at`, or None where it does not end."""
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
    """Addresses to ask: the network's name server, and its router, which often forwards queries."""
    import network

    _, _, router, name_server = network.WLAN(network.STA_IF).ifconfig()
    addresses = []
    for address in (name_server, router):
        if address not in addresses and address != "0.0.0.0":  # noqa: S104 - not set
            addresses.append(address)
    return addresses


class Lookup:
    """Lookup of one name, continued by `tick`. Raises `ValueError` (invalid name), `OSError`."""

    def __init__(self, name):
        self._question = question(name)
        self._multicast = name.lower().rstrip(".").endswith(".local")
        to = [MULTICAST] if self._multicast else [(address, PORT) for address in servers()]
        self._to = [socket.getaddrinfo(host, port)[0][-1] for host, port in to]
        self._number = struct.unpack(">H", os.urandom(2))[0]
        self._began = time.ticks_ms()
        self._asks = 0
        self._empty_answers = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)

    def tick(self):
        """Send the queries that are due and read one answer; call it every few ms. Returns the
        address; "" if the name has none or no answer came in time; None while waiting."""
        since_ms = time.ticks_diff(time.ticks_ms(), self._began)
        if self._asks < len(ASK_MS) and since_ms >= ASK_MS[self._asks]:
            self._asks += 1
            for server in self._to:
                try:
                    self._udp.sendto(query(self._number, self._question), server)
                except OSError:
                    pass  # no network at the moment: the next query may get through
        try:
            packet, sender = self._udp.recvfrom(_PACKET_MAX)
        except OSError:
            packet = sender = None
        if packet and (self._multicast or sender in self._to):
            address = parse(packet, self._number, self._question)
            if address:
                return address
            self._empty_answers += address == ""
        if self._empty_answers >= max(1, len(self._to)) or since_ms >= _GIVE_UP_MS or not self._to:
            return ""
        return None

    def close(self):
        """Close the socket."""
        self._udp.close()


async def find(host):
    """The address of a host name, or None; for callers that can await."""
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
