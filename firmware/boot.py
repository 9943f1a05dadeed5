"""Runs first on the board: keeps the heap tidy before anything is imported."""

import gc

gc.collect()
# Collect early and often: a TLS handshake wants a large free block.
gc.threshold(16384)
