"""run.py with a console: after boot.py and main.py, or a Ctrl-C, MicroPython's own REPL starts.

Runs under `micropython -i`, with run.py's arguments and one more: "raw" after a soft reset from the
raw REPL, which skips main.py.
"""

import gc
import json
import sys

import run

raw = sys.argv[5] == "raw"
run.prepare(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]))
sys.argv[:] = []
gc.collect()
run.execute("/boot.py")
if not raw:
    run.execute("/main.py")
del sys.modules["run"]
