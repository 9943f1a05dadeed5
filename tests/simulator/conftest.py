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
    made: list[Board] = []

    def make(main: str, **options: object) -> Board:
        firmware = tmp_path / f"firmware{len(made)}"
        firmware.mkdir()
        (firmware / "main.py").write_text(NAMES + OPEN_BUS + textwrap.dedent(main))
        options.setdefault("speed", 10.0)
        name = f"kiosk{len(made)}"
        new = Board(name, tmp_path / name, firmware, **options)  # type: ignore[arg-type]
        new.flash()
        made.append(new)
        return new

    yield make
    for one in made:
        one.stop()
