"""The board's `socket` module: the host's sockets, routed by the virtual world.

For a name `getaddrinfo` blocks as lwIP's does (ports/esp32/modsocket.c, `_getaddrinfo_inner`). The
address that it returns leads to a virtual name server, or to the host through the virtual Wi-Fi.
"""

import socket as _real

import clock
import wire

AF_INET = _real.AF_INET
SOCK_STREAM = _real.SOCK_STREAM
SOCK_DGRAM = _real.SOCK_DGRAM
SOL_SOCKET = _real.SOL_SOCKET
SO_REUSEADDR = _real.SO_REUSEADDR
socket = _real.socket

_EAI_FAIL = 202  # lwip/netdb.h; the port raises its negative


def getaddrinfo(host, port, af=0, kind=0, proto=0, flags=0):
    """One address of a host; blocks while the name is resolved. Raises `OSError` with errno -202 if
    the name is unknown."""
    address, local, wait_ms = wire.ask_json(wire.ROUTE, kind, host or "0.0.0.0", port)  # noqa: S104
    clock.sleep_ms(wait_ms)
    if not address:
        raise OSError(-_EAI_FAIL)
    address_found = _real.getaddrinfo(address, local)[0][-1]
    return [(AF_INET, kind or SOCK_STREAM, 0, "", address_found)]
