"""The network around a board: access points, DHCP, name servers and routes to the host.

A board that never activates its station counts as connected: its sockets reach the host directly,
its name queries still go to the virtual name servers.
"""

import ipaddress
import socket
import struct
import threading
from dataclasses import dataclass

from simulator.names import Mood, NameServer
from simulator.radio import AccessPoint, Lease, Phase, Station, WifiError
from simulator.relay import Relay

DNS_PORT = 53
MDNS = ("224.0.0.251", 5353)
CLOSED_PORT = 1
SERVER_MS = 7000
"""lwIP sends a DNS query at 0, 1, 2 and 4 s (dns.c, `dns_check_entry`), and gives up 3 s later."""
RIGHT_MS = 20

STREAM, DATAGRAM = 1, 2
"""Kinds of sockets, as `socket` of the port numbers them."""


class WifiCall:
    """The call that a WIFI frame carries, its payload's first byte."""

    ACTIVE, CONNECT, DISCONNECT, STATUS, RSSI, SCAN, LEASE, STATIC, RECONNECTS, POWER_SAVE = range(
        10
    )


ROUTE = struct.Struct("<BH")
ROUTED = struct.Struct("<BIH4s")
SEEN = struct.Struct("<6sBbBB")  # bssid, channel, dBm, security, length of the SSID


@dataclass(frozen=True)
class Route:
    """Result of `getaddrinfo`: a host's address ("" if unknown), after blocking `wait_ms`."""

    address: str = ""
    port: int = 0
    wait_ms: int = 0


def _default_points() -> list[AccessPoint]:
    return [
        AccessPoint(),
        AccessPoint(b"", b"\x02\x00\x00\x00\x00\x02", 1, -70, hidden=True),
        AccessPoint(b"campus", b"\x02\x00\x00\x00\x00\x03", 11, -77),
        AccessPoint(b"library", b"\x02\x00\x00\x00\x00\x04", 11, -80),
    ]


class Air:
    """The network around one board; `names`: addresses by host name. Needs the world's lock."""

    def __init__(self) -> None:
        self.points = _default_points()
        self.names: dict[str, str] = {}
        self.name_servers = {
            Lease.name_server: NameServer(self.names),
            Lease.router: NameServer(self.names),
        }
        self.multicast = NameServer(self.names)
        self.station = Station(self.points)
        self.now_ms = 0
        self.scans_ms: list[int] = []
        self.blocked_ms: list[int] = []
        self._relays: dict[tuple[str, int], Relay] = {}
        self._black_hole: socket.socket | None = None
        self._lock = threading.Lock()

    def set_mood(self, mood: Mood) -> None:
        """Set the behaviour of all name servers."""
        for server in self._servers():
            server.mood = mood

    def hurry(self, speed: float) -> None:
        """Shorten the name servers' delays for a board whose clock is `speed` times the host's."""
        for server in self._servers():
            server.speed = speed

    def boot(self) -> None:
        """Reset the station: after a chip's start its radio is off."""
        with self._lock:
            self.station = Station(self.points)

    def advance(self, now_ms: int) -> None:
        """Bring the station up to `now_ms`."""
        with self._lock:
            self.now_ms = now_ms
            self.station.advance(now_ms)

    def close(self) -> None:
        """Stop the name servers and relays."""
        for server in self._servers():
            server.close()
        for relay in self._relays.values():
            relay.close()
        self._relays.clear()
        if self._black_hole:
            self._black_hole.close()
            self._black_hole = None

    def _servers(self) -> list[NameServer]:
        return [*self.name_servers.values(), self.multicast]

    def wifi(self, payload: bytes) -> bytes:
        """Answer a WIFI frame: one byte of `WifiError`, then the result."""
        with self._lock:
            error, answer = self._wifi(payload[0], payload[1:])
        return bytes((error,)) + answer

    def _wifi(self, call: int, rest: bytes) -> tuple[WifiError, bytes]:
        station, now_ms = self.station, self.now_ms
        if call == WifiCall.ACTIVE:
            station.activate(bool(rest[0]))
        elif call == WifiCall.CONNECT:
            ssid_end = 1 + rest[0]
            key_end = ssid_end + 1 + rest[ssid_end]
            ssid, key = rest[1:ssid_end], rest[ssid_end + 1 : key_end]
            return station.connect(now_ms, ssid, key, rest[key_end:]), b""
        elif call == WifiCall.DISCONNECT:
            return station.disconnect(now_ms), b""
        elif call == WifiCall.STATUS:
            return WifiError.NONE, struct.pack("<H", station.status(now_ms))
        elif call == WifiCall.RSSI:
            if station.phase not in (Phase.DHCP, Phase.ONLINE) or station.point is None:
                return WifiError.NOT_CONNECT, b""
            return WifiError.NONE, struct.pack("<b", station.point.rssi_dbm)
        elif call == WifiCall.SCAN:
            return self._scan(rest)
        elif call == WifiCall.LEASE:
            lease = station.lease(now_ms) if station.used else Lease()
            return WifiError.NONE, " ".join(vars(lease).values()).encode()
        elif call == WifiCall.STATIC:
            station.static = Lease(*rest.decode().split(" ")) if rest else None
        elif call == WifiCall.RECONNECTS:
            station.reconnects(struct.unpack("<h", rest)[0])
        elif call == WifiCall.POWER_SAVE:
            station.power_save = rest[0]
        else:
            raise ValueError(call)
        return WifiError.NONE, b""

    def _scan(self, rest: bytes) -> tuple[WifiError, bytes]:
        """With a payload, start a scan; without, return the networks heard."""
        heard = self.station.scan(self.now_ms)
        if heard is None:
            return WifiError.STATE, b""
        if rest:
            self.scans_ms.append(self.now_ms)
            return WifiError.NONE, b""
        rows = []
        for point in heard:
            ssid = b"" if point.hidden else point.ssid
            head = (point.bssid, point.channel, point.rssi_dbm, point.security, len(ssid))
            rows.append(SEEN.pack(*head) + ssid)
        return WifiError.NONE, b"".join(rows)

    def route(self, payload: bytes) -> bytes:
        """Answer a ROUTE frame, the board's `getaddrinfo`."""
        kind, port = ROUTE.unpack_from(payload)
        host = payload[ROUTE.size :].decode()
        with self._lock:
            route = self._find(kind, host, port)
        address = socket.inet_aton(route.address) if route.address else bytes(4)
        return ROUTED.pack(bool(route.address), route.wait_ms, route.port, address)

    def _find(self, kind: int, host: str, port: int) -> Route:
        try:
            address, wait_ms = str(ipaddress.IPv4Address(host)), 0
        except ValueError:
            address, wait_ms = self._look_up(host)
            self.blocked_ms.append(wait_ms)
            if not address:
                return Route(wait_ms=wait_ms)
        if address == "0.0.0.0":  # noqa: S104 - the board listens
            return Route(address, port)
        on_line = not self.station.used or self.station.through(self.now_ms)
        if port == DNS_PORT or (address, port) == MDNS:
            server = self.multicast if port == MDNS[1] else self.name_servers.get(address)
            if server and on_line:
                return Route("127.0.0.1", server.port, wait_ms)
            return Route("127.0.0.1", self._nowhere(), wait_ms)
        if not self.station.used:
            return Route(address, port, wait_ms)
        if kind == STREAM and self.station.phase is Phase.ONLINE:
            return Route("127.0.0.1", self._relay(address, port).port, wait_ms)
        if kind == STREAM:
            return Route("127.0.0.1", CLOSED_PORT, wait_ms)
        return Route(address, port if on_line else self._nowhere(), wait_ms)

    def _look_up(self, name: str) -> tuple[str, int]:
        """Resolve a name as lwIP does: (address or "", ms for which the call blocks)."""
        waited_ms = 0
        for server in self.name_servers.values():
            if server.mood is Mood.LATE and server.late_ms < SERVER_MS:
                return self.names.get(name, ""), waited_ms + server.late_ms
            if server.mood in (Mood.RIGHT, Mood.WRONG, Mood.NOT_FOUND):
                return server.address_of(name) or "", waited_ms + RIGHT_MS
            waited_ms += SERVER_MS
        return "", waited_ms

    def _relay(self, address: str, port: int) -> Relay:
        if (address, port) not in self._relays:
            self._relays[address, port] = Relay(address, port, self._through)
        return self._relays[address, port]

    def _through(self) -> bool:
        with self._lock:
            return self.station.through(self.now_ms)

    def _nowhere(self) -> int:
        """A UDP port that is never read: packets to it are lost."""
        if self._black_hole is None:
            self._black_hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._black_hole.bind(("127.0.0.1", 0))
        return self._black_hole.getsockname()[1]
