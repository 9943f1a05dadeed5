"""What `hardware/` is built from: pins, optics, electrics, harness, circuit, enclosure, parts.

Each module reads a table of `hardware/`, refuses what cannot be, and computes what is drawn or
listed there. `generate` alone knows them all; `pins` alone runs without installed packages.
"""
