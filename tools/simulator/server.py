"""The world's end of the connection: serves one board's frames on a loopback socket."""

import contextlib
import socket
import threading

from simulator.world import World


class Server:
    """Listens on `port` from its construction on, and accepts one connection."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="simulator-wire", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connection and wait for the thread."""
        for end in (self._listener, self._connection):
            if end is not None:
                # Only shutdown() wakes a thread that waits in accept() or recv().
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._connection, _ = self._listener.accept()
            self._listener.close()
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._connection, self._connection.makefile("rb") as stream:
                while True:
                    head = stream.read(2)
                    length = int.from_bytes(head, "little")
                    frame = stream.read(length)
                    if len(head) < 2 or len(frame) < length:
                        return
                    answer = self._world.handle(frame)
                    # None stands for a reset: the board waits until its process is killed.
                    if answer is not None:
                        self._connection.sendall(answer)
