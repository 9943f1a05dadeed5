"""A TCP relay between a board and the host that holds data back while the Wi-Fi is down.

The relay sends these data later, as retransmissions would; TCP itself is not simulated.
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable

_POLL_S = 0.02
_PIECE = 65536
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """Forwards a loopback port to an address while `through()` is true."""

    def __init__(self, host: str, port: int, through: Callable[[], bool]) -> None:
        self._to = (host, port)
        self._through = through
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._peers: dict[socket.socket, socket.socket] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator-air", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cut all connections and wait for the thread."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._over.is_set():
                if not self._through():
                    self._over.wait(_POLL_S)
                    continue
                for key, _ in selector.select(_POLL_S):
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj in self._peers:
                        self._forward(selector, key.fileobj)  # type: ignore[arg-type]
        for end in (self._listener, *self._peers):
            end.close()

    def _accept(self, selector: selectors.BaseSelector) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._to, 2)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            near.close()
            return
        for end, other in ((near, far), (far, near)):
            end.settimeout(2)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[end] = other
            selector.register(end, selectors.EVENT_READ)

    def _forward(self, selector: selectors.BaseSelector, end: socket.socket) -> None:
        other = self._peers[end]
        data = b""
        with contextlib.suppress(OSError):
            data = end.recv(_PIECE)
            if data:
                other.sendall(data)
                return
        for peer in (end, other):
            del self._peers[peer]
            selector.unregister(peer)
            peer.close()
