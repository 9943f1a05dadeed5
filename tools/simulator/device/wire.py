"""The board's connection to the virtual world: one blocking request and answer at a time.

One buffer serves both directions, because the firmware's heap is small. simulator/frames.py
describes the frames.
"""

import json
import socket
import struct
import sys

from micropython import const

_HEADER = const(11)  # length, operation, milliseconds
_ANSWER = const(3)  # length, status
_ROOM = const(1100)  # a full display frame and its header

I2C_SETUP = const(1)
I2C_TRANSFER = const(2)
PIN = const(4)
PWM = const(5)
WDT = const(6)
RESET = const(7)
WIFI = const(8)
RTC = const(9)
RTC_MEMORY = const(10)
UART_SETUP = const(11)
UART_ANY = const(12)
UART_READ = const(13)
ROUTE = const(20)

buffer = bytearray(_ROOM)
PAYLOAD = _HEADER  # offset of a request's payload in `buffer`
REPLY = _ANSWER  # offset of an answer's payload

_socket = None
_boot_ms = None


def connect(port, boot_ms):
    """Connect to the world's loopback port; `boot_ms()` is the simulated time since the boot."""
    global _socket, _boot_ms
    _boot_ms = boot_ms
    _socket = socket.socket()
    _socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    _socket.setsockopt(6, 1, 1)  # TCP_NODELAY, because each request waits for its answer


def room_for(size):
    """Enlarge the buffer for a payload of `size` bytes if needed."""
    global buffer
    if _HEADER + size > len(buffer):
        buffer = bytearray(_HEADER + size)


def ask(operation, size):
    """Send the payload of `size` bytes in `buffer`; returns the length of the reply.

    The reply is in `buffer` from `REPLY` on. Raises `OSError` with the world's errno. Exits with
    code 70 if the connection to the world is lost.
    """
    struct.pack_into("<HBQ", buffer, 0, _HEADER - 2 + size, operation, _boot_ms())
    try:
        _socket.write(buffer, _HEADER + size)
        count = _socket.readinto(buffer, _ANSWER)
        if count == _ANSWER:
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


def ask_json(operation, *values):
    """Send values as JSON; returns the values of the answer. Raises the errors of `ask`."""
    data = json.dumps(values).encode()
    room_for(len(data))
    buffer[PAYLOAD : PAYLOAD + len(data)] = data
    length = ask(operation, len(data))
    return json.loads(bytes(buffer[REPLY : REPLY + length]))


class _RefusedError(Exception):
    """The world answered with an errno; kept apart from an `OSError` of the socket."""
