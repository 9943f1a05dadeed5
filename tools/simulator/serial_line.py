"""A board's serial port over RFC 2217, with the modem lines that reset an ESP32.

Behind a USB bridge two transistors pull EN low while only RTS is asserted, and IO0 low while only
DTR is asserted (Espressif, ESP32-DevKitC schematic). Not modelled: baud rates, lost bytes.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import serial
from serial import rfc2217

EN_RISE_S = 0.25
"""Time in which EN rises with its capacitor; longer than on a board, because DTR and RTS arrive
over a network."""


class Lines:
    """EN and IO0 as a USB bridge drives them from DTR and RTS; `resets` counts EN's falls."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # its lock is reentrant, as UsbJtagLines.set needs
        self._dtr = self._rts = False
        self._rose_at = 0.0
        self.resets = 0

    def set(self, *, dtr: bool | None = None, rts: bool | None = None) -> None:
        """Assert or release DTR and RTS; None leaves a line as it is."""
        with self._changed:
            before = self.held
            self._dtr = self._dtr if dtr is None else dtr
            self._rts = self._rts if rts is None else rts
            if before and not self.held:
                self._rose_at = time.monotonic()
            elif self.held and not before:
                self.resets += 1
            self._changed.notify_all()

    @property
    def held(self) -> bool:
        """Whether EN is low: the chip is in reset."""
        return self._rts and not self._dtr

    @property
    def download(self) -> bool:
        """Whether IO0 is low: a chip that starts now enters download mode."""
        return self._dtr and not self._rts

    def wait_boot(self, stopping: threading.Event) -> bool | None:
        """Wait for EN to rise; returns whether the chip starts in download mode, or None at
        power-off."""
        with self._changed:
            while not stopping.is_set():
                left_s = self._rose_at + EN_RISE_S - time.monotonic()
                if not self.held and (self.download or left_s <= 0):
                    return self.download
                self._changed.wait(0.05 if self.held else max(left_s, 0.001))
        return None


class UsbJtagLines(Lines):
    """DTR and RTS as the USB-Serial/JTAG controller inside an ESP32-S3 interprets them.

    DTR alone requests download mode; neither line cancels the request; RTS alone resets the chip
    (ESP32-S3 Technical Reference Manual, "USB Serial/JTAG Controller", reset by CDC control lines).
    """

    def __init__(self) -> None:
        super().__init__()
        self._wished = self._latched = False

    def set(self, *, dtr: bool | None = None, rts: bool | None = None) -> None:
        with self._changed:
            before = self.held
            super().set(dtr=dtr, rts=rts)
            if self.held and not before:
                self._latched = self._wished
            if not self._rts:
                self._wished = self._dtr

    @property
    def download(self) -> bool:
        return self._latched

    def wait_boot(self, stopping: threading.Event) -> bool | None:
        with self._changed:
            while not stopping.is_set():
                if not self.held:
                    return self.download
                self._changed.wait(0.05)
        return None


class _Port:
    """A serial port as pyserial's RFC 2217 server expects it; only DTR and RTS have an effect."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.baudrate, self.bytesize = 115_200, 8
        self.parity, self.stopbits = serial.PARITY_NONE, 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False

    def reset_input_buffer(self) -> None:
        """Do nothing: there is no buffer."""

    reset_output_buffer = reset_input_buffer

    def _set_dtr(self, on: bool) -> None:
        self._lines.set(dtr=on)

    def _set_rts(self, on: bool) -> None:
        self._lines.set(rts=on)

    dtr = property(fset=_set_dtr)
    rts = property(fset=_set_rts)


class SerialLine:
    """The RFC 2217 server; it listens from its construction on and serves one host at a time.

    `to_board` receives the host's bytes; `noise` may change them first.
    """

    def __init__(self, lines: Lines, to_board: Callable[[bytes], None]) -> None:
        self._lines = lines
        self._to_board = to_board
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self.noise: Callable[[bytes], bytes] = bytes
        self._plugged = True
        self._connection: socket.socket | None = None
        self._manager: rfc2217.PortManager | None = None
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="simulator-serial", daemon=True)
        self._thread.start()

    def to_host(self, data: bytes) -> None:
        """Send the board's output; it is lost if no host is connected."""
        manager = self._manager
        if manager is not None:
            self.write(b"".join(manager.escape(data)))

    def write(self, data: bytes) -> None:
        """Send bytes that are already escaped; pyserial's server calls this method too."""
        with self._sending, contextlib.suppress(OSError):
            if self._connection is not None:
                self._connection.sendall(data)

    def pull(self) -> None:
        """Unplug the cable until `plug`: the connection ends, and DTR and RTS are released."""
        self._plugged = False
        self.drop()

    def drop(self) -> None:
        """End the connection, as when the board replaces its USB port; a host may reconnect."""
        with contextlib.suppress(OSError):
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)

    def plug(self) -> None:
        """Plug the cable in again."""
        self._plugged = True

    def close(self) -> None:
        """Stop the server."""
        self._closing.set()
        self.pull()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            connection, _ = self._listener.accept()
            with connection:
                if self._plugged:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with contextlib.suppress(OSError):
                        self._carry(connection)
            self._lines.set(dtr=False, rts=False)

    def _carry(self, connection: socket.socket) -> None:
        self._connection = connection
        port: Any = _Port(self._lines)
        answers: Any = self  # PortManager only calls write()
        self._manager = manager = rfc2217.PortManager(port, answers)
        try:
            while data := connection.recv(4096):
                if noise := self.noise(b"".join(manager.filter(data))):
                    self._to_board(noise)
        finally:
            self._manager = None
            with self._sending:
                self._connection = None
