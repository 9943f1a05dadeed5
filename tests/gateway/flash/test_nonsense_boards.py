"""A device at the port that is no board of ours: whatever it answers, the error is one line."""

import json
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fevergate.errors import FlashError
from fevergate.flash import loader, self_test
from fevergate.kiosks.cable import Cable

ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "role", "wifi", "found", "sda", "lost"]), inner)
    ),
    max_leaves=8,
)


class Nonsense(Cable):
    """A board at its prompt that answers each question with the next of `answers`."""

    def __init__(self, answers: Iterator[object]) -> None:
        self.port = "ttyUSB0"
        self._answers = answers

    def run(self, code: str, timeout_s: int = 10) -> str:
        return json.dumps(next(self._answers)) if "print(" in code else ""

    def _prompt(self) -> None:
        pass


@given(ANSWERS)
def test_whatever_a_board_says_of_itself_it_is_understood_or_refused(answer):
    try:
        about = Nonsense(iter([answer] * 3))._asked()
    except FlashError as error:
        assert "expected an answer" in str(error)
        return
    assert [about.machine, list(about.version)] == answer[:2]


@settings(max_examples=60)
@given(st.lists(ANSWERS, min_size=1, max_size=8))
def test_whatever_a_board_answers_the_self_test_gives_results_or_a_flash_error(answers):
    memory = [2_000_000, [[2 << 20, 1, 1, 1]]]
    board = Nonsense(chain([memory], cycle(answers)))
    with suppress(FlashError):
        assert all(result.state for result in self_test.run(board, lambda _: True))


def framed(packet: bytes) -> bytes:
    """Frame a packet as the chips' ROM loader does (SLIP, RFC 1055)."""
    packet = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + packet + b"\xc0"


def test_an_answer_too_short_for_a_chip_is_an_error_and_no_traceback(monkeypatch):
    monkeypatch.setattr(loader, "ATTEMPTS", 1)
    board, port = os.openpty()

    def answer() -> None:
        # until nobody has the port open any more
        with suppress(OSError), os.fdopen(board, "rb"):
            while True:
                for packet in os.read(board, 4096).split(b"\xc0"):
                    if len(packet) >= 8:
                        head = struct.pack("<BBHI", 1, packet[1], 0, 0)
                        times = 8 if packet[1] == 8 else 1  # to each "sync" it answers eight times
                        status = bytes(4) if packet[1] == 8 else b""
                        os.write(board, framed(head + status) * times)

    threading.Thread(target=answer, daemon=True).start()
    with (
        os.fdopen(port, "rb"),
        pytest.raises(FlashError, match="the answer is not a chip's"),
        loader.opened(os.ttyname(port), lambda *_: None),
    ):
        raise AssertionError
