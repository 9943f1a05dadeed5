"""Over the cable: MicroPython, the firmware and a kiosk's settings onto a board, and its self-test.

`models`: the boards that are supported. `image`: checks and caches MicroPython's image; `loader`
writes it (esptool). `files`: the firmware's files; `installation` writes them over the cable
(`kiosks.cable`). `memory`: checks the board's RAM. `self_test`: checks its parts.
"""
