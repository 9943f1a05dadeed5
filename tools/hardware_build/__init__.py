"""What `hardware/` is built from: pins, optics, electrics, harness, circuit, enclosure, parts.

Each module reads a table of `hardware/`, checks it, and computes what is drawn or listed there.
`generate` imports them all; `pin_tables` and what it imports run without installed packages.
"""
