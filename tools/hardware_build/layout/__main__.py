"""`tools/make-layout`: lays out the carrier board from its netlist with KiCad 6, and checks it.
用 KiCad 6 由网表生成载板版图、Gerber 文件并检查。"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

from hardware_build.errors import HardwareError
from hardware_build.layout import making, page, picture, plan
from hardware_build.pictures import labelled
from hardware_build.table import HARDWARE

EPILOG = """\
sources 源文件:
  hardware/circuit/carrier.net           the netlist; tools/make-hardware writes it 网表
  hardware/circuit/carrier-layout.toml   places, widths, distances, words 位置、线宽、间距、丝印
  hardware/enclosure.toml                size and screws 尺寸与螺钉

needs 需要:
  sudo apt install kicad kicad-footprints gerbv   (KiCad 6: Debian 12)

examples 示例:
  tools/make-layout           place, route, check, write; then run tools/make-hardware 生成
  tools/make-layout --check   the same, but compare and write nothing 只比较
"""


def main() -> int:
    """Run the command; returns 0, 1 if a file is stale or a rule is broken, 2 if a source is
    wrong."""
    parser = argparse.ArgumentParser(
        prog="tools/make-layout",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--check", action="store_true", help="compare, write nothing 只比较，不写入"
    )
    arguments = parser.parse_args()
    try:
        if not (making.has_kicad() and shutil.which("gerbv")):
            raise HardwareError("expected KiCad 6: sudo apt install kicad kicad-footprints gerbv")
        board = plan.load()
        products, checked = making.make(
            board, lambda message: print(f"  {message}", file=sys.stderr)
        )
        drawn = picture.png(products, board.name)
    except HardwareError as error:
        print(f"tools/make-layout: {error}", file=sys.stderr)
        return 2
    print(
        f"KiCad {checked.version}: {len(checked.errors)} errors, {len(checked.warnings)} warnings,"
        f" {checked.unconnected} unconnected; {checked.tracks} tracks, {checked.vias} vias"
    )
    if checked.unconnected or checked.errors or checked.warnings:
        print("\n".join([*checked.errors, *checked.warnings]))
        return 1
    files = {_place(name): content for name, content in products.items()}
    if arguments.check:
        old = [path for path, content in files.items() if _read(path) != content]
        for path in old:
            print(f"{path.relative_to(HARDWARE.parent)}: differs; run tools/make-layout")
        return bool(old)
    digest = hashlib.sha256(products[page.BOARD.name]).hexdigest()
    files[page.PICTURE] = labelled(drawn, digest)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    print(f"{len(files)} files in {HARDWARE.name}/; now run tools/make-hardware for the page")
    return 0


def _place(name: str) -> Path:
    folder = page.BOARD.parent if name.endswith((".kicad_pcb", ".kicad_pro")) else page.GERBER
    return folder / name


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


if __name__ == "__main__":
    sys.exit(main())
