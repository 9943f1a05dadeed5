"""The network around a board: access points, DHCP, name servers and routes to the host.

A board that never activates its station counts as connected: its sockets reach the host directly,
but its name queries go to the virtual name servers.
"""

import ipaddress
import json
import socket
import threading
from dataclasses import dataclass

from simulator.dns_server import NameServer, ServerBehaviour
from simulator.radio import AccessPoint, Lease, Phase, Station, WifiError
from simulator.relay import Relay

DNS_PORT = 53
MDNS = ("224.0.0.251", 5353)
CLOSED_PORT = 1
SERVER_MS = 7000
"""lwIP sends a DNS query at 0, 1, 2 and 4 s (dns.c, `dns_check_entry`), and gives up 3 s later."""
RIGHT_MS = 20

STREAM, DATAGRAM = 1, 2
"""Kinds of sockets, with the numbers of the `socket` module of MicroPython's ESP32 port."""


CALLS = (
    *("active", "connect", "disconnect", "status", "rssi", "scan", "heard", "lease", "static"),
    *("reconnects", "power_save"),
)
"""Calls that a WIFI frame may name; each has a method `_CALL` of `Air`."""


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

    def set_mood(self, mood: ServerBehaviour) -> None:
        """Set the behaviour of all name servers."""
        for server in self._servers():
            server.mood = mood

    def hurry(self, speed: float) -> None:
        """Shorten the name servers' delays for a board whose clock is `speed` times as fast as the
        host's."""
        for server in self._servers():
            server.speed = speed

    def boot(self) -> None:
        """Reset the station, because a chip starts with its radio off."""
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
        """Handle a WIFI frame; returns the answer: JSON of a `WifiError` and the result."""
        call, *arguments = json.loads(payload)
        if call not in CALLS:
            raise ValueError(call)
        with self._lock:
            answer = getattr(self, f"_{call}")(*arguments)
        error = answer if isinstance(answer, WifiError) else WifiError.NONE
        return json.dumps([error, None if error else answer]).encode()

    def _active(self, on: bool) -> None:
        self.station.activate(on)

    def _connect(self, *ssid_key_bssid: str) -> WifiError:
        return self.station.connect(self.now_ms, *map(bytes.fromhex, ssid_key_bssid))

    def _disconnect(self) -> WifiError:
        return self.station.disconnect(self.now_ms)

    def _status(self) -> int:
        return self.station.status(self.now_ms)

    def _rssi(self) -> WifiError | int:
        station = self.station
        if station.phase not in (Phase.DHCP, Phase.ONLINE) or station.point is None:
            return WifiError.NOT_CONNECT
        return station.point.rssi_dbm

    def _scan(self) -> WifiError:
        if self.station.scan(self.now_ms) is None:
            return WifiError.STATE
        self.scans_ms.append(self.now_ms)
        return WifiError.NONE

    def _heard(self) -> WifiError | list[tuple[str, str, int, int, int]]:
        """(ssid, bssid, channel, dBm, security) of each network; the first two in hex."""
        points = self.station.scan(self.now_ms)
        if points is None:
            return WifiError.STATE
        return [
            (
                "" if point.hidden else point.ssid.hex(),
                point.bssid.hex(),
                *(point.channel, point.rssi_dbm, point.security),
            )
            for point in points
        ]

    def _lease(self) -> list[str]:
        lease = self.station.lease(self.now_ms) if self.station.used else Lease()
        return list(vars(lease).values())

    def _static(self, *addresses: str) -> None:
        self.station.static = Lease(*addresses) if addresses else None

    def _reconnects(self, count: int) -> None:
        self.station.reconnects(count)

    def _power_save(self, mode: int) -> None:
        self.station.power_save = mode

    def route(self, payload: bytes) -> bytes:
        """Handle a ROUTE frame, sent by the board's `getaddrinfo`; returns the answer."""
        kind, host, port = json.loads(payload)
        with self._lock:
            route = self._find(kind, host, port)
        return json.dumps([route.address, route.port, route.wait_ms]).encode()

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
            if server.mood is ServerBehaviour.LATE and server.late_ms < SERVER_MS:
                return self.names.get(name, ""), waited_ms + server.late_ms
            if server.mood in (
                ServerBehaviour.RIGHT,
                ServerBehaviour.WRONG,
                ServerBehaviour.NOT_FOUND,
            ):
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
