"""The page of the carrier board, from its plan and the finished board; needs no KiCad."""

from pathlib import Path

from hardware_build.layout import finished
from hardware_build.layout.plan import Plan
from hardware_build.pages import rendered
from hardware_build.table import HARDWARE

BOARD = HARDWARE / "circuit/carrier.kicad_pcb"
GERBER = HARDWARE / "circuit/gerber"
PICTURE = HARDWARE / "pictures/carrier.png"

_COPPER_MIL = 1.378
"""35 µm of copper, in thousandths of an inch."""


def ampere(width_mm: float, warmer_c: float = 10.0) -> float:
    """Current (A) at which a track of an outer layer gets `warmer_c` warmer, by IPC-2221."""
    square_mil = width_mm / 0.0254 * _COPPER_MIL
    return 0.048 * warmer_c**0.44 * square_mil**0.725


def page(plan: Plan, path: Path = BOARD) -> str:
    """Markdown of `hardware/carrier.md`. Raises `HardwareError` where the board cannot be read."""
    board = finished.load(path)
    drills = [pad.drill for pad in board.pads if pad.drill] + [plan.rules.via_drill]
    return rendered(
        "carrier.md",
        plan=plan,
        board=board,
        least_drill=min(drills),
        ampere=ampere,
        names=sorted(plan.parts, key=lambda name: (name[0], int(name[1:]))),
    )


def outdated(plan: Plan, path: Path = BOARD) -> list[str]:
    """A line if the board was laid out from another netlist than that of the plan."""
    if finished.load(path).digest == plan.digest:
        return []
    return [f"circuit/{path.name}: laid out from another netlist; run tools/make-layout"]
