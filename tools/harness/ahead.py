"""Runs a module with its clock ahead of the machine's, so that a day is over without waiting.

`python -m harness.ahead SECONDS MODULE ARGUMENT...`
"""

import runpy
import sys
import time


def main() -> None:
    """Set the clock of this process ahead, and run the module as the main program."""
    _, seconds, module, *arguments = sys.argv
    ahead_s, true, true_ns = float(seconds), time.time, time.time_ns
    time.time = lambda: true() + ahead_s
    time.time_ns = lambda: true_ns() + int(ahead_s * 1e9)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
