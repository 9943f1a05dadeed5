"""MicroPython runs this first: prepares the heap before the modules are imported."""

import gc

gc.collect()
# Collect after 16 KiB of allocations: importing leaves much garbage, and the heap would grow.
gc.threshold(16384)
