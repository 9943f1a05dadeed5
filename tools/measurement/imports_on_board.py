"""Runs under MicroPython: imports the modules of a working kiosk in a heap of given size.

Arguments: folder of the simulator's stand-ins, a port that takes a connection, folder of a board's
flash, JSON of the board's properties, then more modules to import. Prints as JSON the bytes that
stand-ins and imports hold, and the loaded modules; fails if the heap is too small.
"""

import gc
import json
import sys

for name in ("asyncio.core", "os", "select", "socket", "ssl", "struct", "vfs"):
    __import__(name)  # a board's image has these, too, so they do not count as stand-ins

gc.collect()
before = gc.mem_alloc()
sys.path.insert(0, sys.argv[1])
import run

about, modules = json.loads(sys.argv[4]), sys.argv[5:]
run.prepare(int(sys.argv[2]), 1000, sys.argv[3], about)
about = None
gc.collect()
size = gc.mem_alloc() - before

run.execute("/boot.py")
for name in ["kiosk.starter", "kiosk.app"] + modules:
    __import__(name)
gc.collect()
print(
    json.dumps(
        {
            "simulator_bytes": size,
            "imported_bytes": gc.mem_alloc() - before - size,
            "version": ".".join(str(part) for part in sys.implementation.version if part != ""),
            "word_bits": 1 + len(bin(sys.maxsize)) - 2,
            "float_bits": 64 if 1.0 + 1 / (1 << 40) != 1.0 else 32,
            "modules": sorted(sys.modules),
        }
    )
)
