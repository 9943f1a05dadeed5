"""`tools/make-pins`: generates the pin tables of firmware and gateway; `--check` compares them."""

import sys
from pathlib import Path

from hardware_build import board_model, boards, pins
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE

ROOT = HARDWARE.parent
MODEL = Path(board_model.__file__)
_HEADER = '"""{what}, built by tools/make-pins from hardware/{table}: change that."""\n\n'


def tables() -> dict[Path, str]:
    """Text of each generated file."""
    known = boards.load()
    return {
        ROOT / "firmware/kiosk_board.py": board_model.pins_source(known.models[known.default]),
        ROOT / "gateway/fevergate/kiosks/boards.py": _boards(known),
        ROOT / "gateway/fevergate/alarm/gpio_pins.py": _gates(pins.load().gateway),
    }


def _gates(gateway: dict[str, dict[str, int]]) -> str:
    gates = ""
    for gate, numbers in gateway.items():
        inner = "".join(f'        "{name}": {number},\n' for name, number in numbers.items())
        gates += f'    "{gate}": {{\n{inner}    }},\n'
    return (
        _HEADER.format(what="Pin numbers", table="pins.toml")
        + "GATES: dict[str, dict[str, int]] = {\n"
        + gates
        + '}\n"""BCM numbers of each set of lights, buzzer and button."""\n'
    )


def _boards(known: boards.Boards) -> str:
    """The gateway's board table: the classes of `board_model`, and an instance for each board."""
    classes = MODEL.read_text(encoding="utf-8").split('"""\n\n', 1)[1]
    return (
        _HEADER.format(what="Boards for kiosks", table="boards.toml")
        + classes
        + f'\n\nDEFAULT_BOARD = "{known.default}"\n\n'
        + "BOARDS: dict[str, BoardModel] = {\n"
        + "".join(_entry(model) for model in known.models.values())
        + "}\n\nREFUSED_BOARDS: dict[str, RefusedBoard] = {\n"
        + "".join(_entry(board) for board in known.refused.values())
        + "}\n"
    )


def _entry(value: boards.BoardModel | boards.RefusedBoard) -> str:
    """Source of one entry, laid out as `ruff format` would."""
    text = f'    "{value.name}": {type(value).__name__}(\n'
    for name, field in vars(value).items():
        if isinstance(field, dict):
            inner = "".join(f'            "{use}": {number},\n' for use, number in field.items())
            text += f"        {name}={{\n{inner}        }},\n"
        elif isinstance(field, tuple):
            inner = "".join(f'            "{line}",\n' for line in field)
            text += f"        {name}=(\n{inner}        ),\n"
        elif isinstance(field, str):
            text += f'        {name}="{field}",\n'
        else:
            text += f"        {name}={hex(field) if name == 'offset' else field},\n"
    return text + "    ),\n"


def main() -> int:
    try:
        built = tables()
    except HardwareError as error:
        print(f"tools/make-pins: {error}", file=sys.stderr)
        return 2
    stale = [p for p, text in built.items() if not p.exists() or p.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale, run tools/make-pins")
        return bool(stale)
    for path, text in built.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
