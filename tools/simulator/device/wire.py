"""The board's line to the virtual world: one blocking question and answer at a time.

It is the only thing of the board that knows of a socket, so `machine` and `network` can read
like a board's. One buffer serves both directions, for the firmware's heap is small. The
frames are described in simulator/frames.py.
"""

import socket
import struct
import sys

from micropython import const

_HEADER = const(11)  # length, operation, milliseconds
_ANSWER = const(3)  # length, status
_ROOM = const(1100)  # a whole display frame and its header

I2C_SETUP = const(1)
I2C_TRANSFER = const(2)
PIN = const(4)
PWM = const(5)
WDT = const(6)
RESET = const(7)
WIFI = const(8)
RTC = const(9)
RTC_MEMORY = const(10)
ROUTE = const(20)

buffer = bytearray(_ROOM)
PAYLOAD = _HEADER  # where a request's payload begins in `buffer`
REPLY = _ANSWER  # where an answer's does

_socket = None
_boot_ms = None


def connect(port, boot_ms):
    """Join the world at a loopback port; `boot_ms` tells the simulated time since the boot."""
    global _socket, _boot_ms
    _boot_ms = boot_ms
    _socket = socket.socket()
    _socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    _socket.setsockopt(6, 1, 1)  # TCP_NODELAY: each frame is waited for


def room_for(size):
    """Make the buffer large enough for a payload of `size` bytes."""
    global buffer
    if _HEADER + size > len(buffer):
        buffer = bytearray(_HEADER + size)


def ask(operation, size):
    """Send the payload of `size` bytes that is in `buffer`; returns the length of the reply.

    The reply is in `buffer` from `REPLY` on. Raises OSError with the errno that the world
    gave. A world that is gone ends the board: there is nothing left to be a board of.
    """
    struct.pack_into("<HBQ", buffer, 0, _HEADER - 2 + size, operation, _boot_ms())
    try:
        _socket.write(buffer, _HEADER + size)
        got = _socket.readinto(buffer, _ANSWER)
        if got == _ANSWER:
            length = (buffer[0] | buffer[1] << 8) - 1
            status = buffer[2]
            room_for(length)
            if length == 0 or _socket.readinto(memoryview(buffer)[_ANSWER:], length) == length:
                if status:
                    raise _RefusedError(status)
                return length
    except _RefusedError as refused:
        raise OSError(refused.args[0])
    except OSError:
        pass
    sys.exit(70)


class _RefusedError(Exception):
    """The world answered with an errno: not to be mistaken for a broken socket."""
