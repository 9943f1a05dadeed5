"""Prepares the heap before modules are imported; MicroPython runs this file first."""

import gc

gc.collect()
# Collect after 16 KiB of allocations: importing leaves much garbage, and the heap would grow.
gc.threshold(16384)
