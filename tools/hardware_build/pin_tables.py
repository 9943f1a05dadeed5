"""`tools/make-pins`: generates the pin tables of firmware and gateway from hardware/*.toml."""

import argparse
import sys
from pathlib import Path

import msgspec

from fevergate.kiosks.board_model import pins_source
from hardware_build import boards, pins
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE

ROOT = HARDWARE.parent


def tables() -> dict[Path, str]:
    """Text of each generated file."""
    models = boards.load()
    return {
        ROOT / "firmware/kiosk_board.py": pins_source(models.models[models.default]),
        ROOT / "gateway/fevergate/kiosks/boards.json": _boards(models),
        ROOT / "gateway/fevergate/alarm/gpio_pins.py": _gates(pins.load().gateway),
    }


def _gates(gateway: dict[str, dict[str, int]]) -> str:
    gates = ""
    for gate, numbers in gateway.items():
        inner = "".join(f'        "{name}": {number},\n' for name, number in numbers.items())
        gates += f'    "{gate}": {{\n{inner}    }},\n'
    return (
        '"""Pin numbers, built by tools/make-pins from hardware/pins.toml: change that."""\n\n'
        + "GATES: dict[str, dict[str, int]] = {\n"
        + gates
        + '}\n"""BCM numbers of each set of lights, buzzer and button."""\n'
    )


def _boards(models: boards.Boards) -> str:
    """The gateway's table of boards, as JSON."""
    table = {"default": models.default, "boards": models.models, "refused": models.refused}
    text = msgspec.json.format(msgspec.json.encode(table), indent=1)
    return text.decode() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/make-pins", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale files, write nothing")
    check = parser.parse_args().check
    try:
        built = tables()
    except HardwareError as error:
        print(f"tools/make-pins: {error}", file=sys.stderr)
        return 2
    stale = [p for p, text in built.items() if not p.exists() or p.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale, run tools/make-pins")
        return bool(stale)
    for path, text in built.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
