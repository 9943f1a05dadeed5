"""`tools/make-hardware`: builds all generated files in `hardware/`, or lists those that are stale.
生成 hardware/ 下的全部图纸与表格，或检查其是否过期。"""

import argparse
import sys

from hardware_build import pin_tables
from hardware_build.errors import HardwareError
from hardware_build.generate import build, stale
from hardware_build.table import HARDWARE

EPILOG = """\
sources 源文件:
  boards.toml                      the kiosk's board and its pins 主控板与引脚
  pins.toml                        pins of a Pi's gates and desk 树莓派引脚
  wiring/*.yml                     harness: wires, colours, lengths 线束
  electrical.toml                  parts' figures: resistors, margins 电气参数
  circuit/*.toml                   the boards: parts and nets 电路
  sensors.toml, enclosure.toml     optics and housing 光学与外壳
  parts.csv                        what to buy 物料
  steps/*.toml                     builds step by step, with pictures 逐步图解

examples 示例:
  tools/make-hardware              build everything 全部生成
  tools/make-hardware --check      compare, change nothing 只比较
"""


def main() -> int:
    """Run the command; returns 0, or 1 if something is stale, or 2 if a source is wrong."""
    parser = argparse.ArgumentParser(
        prog="tools/make-hardware",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--check", action="store_true", help="list stale files, write nothing 只检查，不写入"
    )
    arguments = parser.parse_args()
    if code := pin_tables.main():
        return code
    try:
        files = build(lambda message: print(f"  {message}", file=sys.stderr))
    except HardwareError as error:
        print(f"tools/make-hardware: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        old = stale(files)
        for line in old:
            print(f"hardware/{line}; run tools/make-hardware")
        return bool(old)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for line in stale(files):
        print(f"hardware/{line}", file=sys.stderr)
    print(f"{len(files)} files in {HARDWARE.name}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
