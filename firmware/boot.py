"""Runs first on the board: keeps the heap tidy before anything is imported."""

import gc

gc.collect()
# While modules are loaded: a heap that is collected before it grows stays small.
gc.threshold(16384)
