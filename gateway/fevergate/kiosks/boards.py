"""The boards for kiosks, read from boards.json, which tools/make-pins builds."""

from pathlib import Path

import msgspec

from fevergate.kiosks.board_model import BoardModel, RefusedBoard


class BoardTable(msgspec.Struct, frozen=True):
    """Boards by name: `boards` that a kiosk can run on, `default`, the recommended one of them, and
    `refused` boards."""

    default: str
    boards: dict[str, BoardModel]
    refused: dict[str, RefusedBoard]


_TABLE = msgspec.json.decode(Path(__file__).with_name("boards.json").read_bytes(), type=BoardTable)
DEFAULT_BOARD, BOARDS, REFUSED_BOARDS = _TABLE.default, _TABLE.boards, _TABLE.refused
