"""Runs under MicroPython: one test module of portable/, every test in it."""

import sys

module_name, firmware, tests = sys.argv[1:4]
sys.path[:0] = [firmware, tests]
module = __import__(module_name)
for name in sorted(dir(module)):
    if name.startswith("test_"):
        getattr(module, name)()
        print("passed", name)
