"""Writes MicroPython, firmware and settings onto a board over its cable, and tests the board.

`models`: the boards that are supported. `image`: checks and caches MicroPython's image; `loader`
writes it (esptool). `files`: the firmware's files; `installation` writes them over the cable
(`kiosks.cable`). `memory`: checks the board's RAM. `self_test`: checks its parts.
"""
