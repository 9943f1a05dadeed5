"""A connection between kiosks and broker that can be cut, as by a loss of Wi-Fi."""

from __future__ import annotations

import contextlib
import socket
import threading


class Line:
    """A TCP proxy on a loopback port; `set(False)` closes connections and refuses new ones."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._to = 0
        self._on = True
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def forward_to(self, port: int) -> None:
        """Set the target port of new connections."""
        self._to = port

    def set(self, on: bool) -> None:
        """Cut or restore the connection."""
        with self._lock:
            self._on = on
            ends = list(self._open)
        if not on:
            for end in ends:
                _close(end)

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            try:
                if not self._on:
                    raise OSError
                far = socket.create_connection(("127.0.0.1", self._to), timeout=5)
            except OSError:
                _close(near)
                continue
            for end in (near, far):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            _close(end)
        with self._lock:
            self._open -= {source, sink}


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
