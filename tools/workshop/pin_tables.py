"""`tools/make-pins`: the pin tables of firmware and gateway from hardware/pins.toml (`--check`
compares)."""

import sys
from pathlib import Path

from workshop import pins
from workshop.errors import HardwareError
from workshop.table import HARDWARE

ROOT = HARDWARE.parent
HEADER = '"""Pin numbers, built by tools/make-pins from hardware/pins.toml: change that."""\n\n'


def tables() -> dict[Path, str]:
    """The text of each generated file."""
    table = pins.load()
    kiosk = "".join(f"{name.upper()} = {number}\n" for name, number in table.kiosk.items())
    gates = ""
    for gate, numbers in table.gateway.items():
        inner = "".join(f'        "{name}": {number},\n' for name, number in numbers.items())
        gates += f'    "{gate}": {{\n{inner}    }},\n'
    gateway = (
        "GATES: dict[str, dict[str, int]] = {\n"
        + gates
        + '}\n"""BCM numbers of each set of lights, buzzer and button."""\n'
    )
    return {
        ROOT / "firmware/kiosk/pins.py": HEADER + kiosk,
        ROOT / "gateway/fevergate/pins.py": HEADER + gateway,
    }


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
