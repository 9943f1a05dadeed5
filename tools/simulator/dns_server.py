"""A virtual DNS server (RFC 1035) that answers correctly, late, wrongly, or not at all."""

import contextlib
import enum
import socket
import struct
import threading
import time
from collections.abc import Mapping

TTL_S = 60
WRONG_ADDRESS = "127.66.66.66"
_HEADER = struct.Struct(">HHHHHH")


class ServerBehaviour(enum.Enum):
    """Behaviour of a name server."""

    RIGHT = "answers"
    SILENT = "never answers"
    LATE = "answers after `late_ms`"
    WRONG = "answers with an address that no machine has"
    GARBAGE = "answers with bytes that are no message"
    OTHER_ID = "answers with another query's number"
    ELSEWHERE = "answers from another port than the query was sent to"
    NOT_FOUND = "knows no name"
    LOOP = "compresses a name into itself"


def question_of(query: bytes) -> tuple[str, bytes]:
    """The name in a query, and the question's bytes. Raises `ValueError` if there is none."""
    labels, at = [], _HEADER.size
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]])
        at += 1 + query[at]
    if at + 5 > len(query):
        raise ValueError("a query without a question")
    return b".".join(labels).decode("utf-8", "replace").lower(), query[_HEADER.size : at + 5]


def answer_to(
    query: bytes, address: str | None, mood: ServerBehaviour = ServerBehaviour.RIGHT
) -> bytes:
    """Encode the answer to a query; `address` None: the name does not exist."""
    number = int.from_bytes(query[:2], "big") ^ (mood is ServerBehaviour.OTHER_ID)
    _, question = question_of(query)
    if mood is ServerBehaviour.GARBAGE:
        return query[:2] + b"\x81\x80" + b"\xff" * 40
    if address is None or mood is ServerBehaviour.NOT_FOUND:
        return _HEADER.pack(number, 0x8183, 1, 0, 0, 0) + question
    # Like real servers, answer with an alias (CNAME) first, its name compressed.
    alias = _HEADER.size + len(question)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, TTL_S, 6) + b"\x03srv\xc0\x0c"
    owner = struct.pack(">H", 0xC000 | (alias + 12))
    if mood is ServerBehaviour.LOOP:
        owner = struct.pack(">H", 0xC000 | (alias + len(record)))
    record += owner + struct.pack(">HHIH", 1, 1, TTL_S, 4) + socket.inet_aton(address)
    return _HEADER.pack(number, 0x8180, 1, 2, 0, 0) + question + record


class NameServer:
    """A server on its own loopback port; `asked` lists the names in its queries."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.speed = 1.0
        self.mood = ServerBehaviour.RIGHT
        self.late_ms = 5000
        self.asked: list[str] = []
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """UDP port of the server; the first access starts it."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 0))
            threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()
        return self._socket.getsockname()[1]

    def address_of(self, name: str) -> str | None:
        """The address in its answer; None if it denies the name."""
        address = None if self.mood is ServerBehaviour.NOT_FOUND else self.names.get(name.lower())
        return WRONG_ADDRESS if address and self.mood is ServerBehaviour.WRONG else address

    def close(self) -> None:
        """Stop the server."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def _serve(self, udp: socket.socket) -> None:
        while True:
            try:
                query, asker = udp.recvfrom(512)
                if not query:
                    return
                name, _ = question_of(query)
            except OSError:
                return
            except ValueError:
                continue
            self.asked.append(name)
            threading.Thread(target=self._answer, args=(udp, query, name, asker)).start()

    def _answer(self, udp: socket.socket, query: bytes, name: str, asker: object) -> None:
        if self.mood is ServerBehaviour.SILENT:
            return
        if self.mood is ServerBehaviour.LATE:
            time.sleep(self.late_ms / 1000 / self.speed)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self.mood is ServerBehaviour.ELSEWHERE:
                udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.sendto(answer_to(query, self.address_of(name), self.mood), asker)  # type: ignore[arg-type]
