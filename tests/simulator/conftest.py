"""Makes simulated boards that run a small program."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_programs import NAMES, OPEN_BUS, MakeBoard

from simulator.board import Board


@pytest.fixture
def board(tmp_path: Path) -> Iterator[MakeBoard]:
    """Makes boards whose main.py is given, and stops them."""
    boards: list[Board] = []

    def make(main: str, **options: object) -> Board:
        firmware = tmp_path / f"firmware{len(boards)}"
        firmware.mkdir()
        (firmware / "main.py").write_text(NAMES + OPEN_BUS + textwrap.dedent(main))
        options.setdefault("speed", 10.0)
        name = f"kiosk{len(boards)}"
        new = Board(name, tmp_path / name, firmware, **options)  # type: ignore[arg-type]
        new.flash()
        boards.append(new)
        return new

    yield make
    for board in boards:
        board.stop()
