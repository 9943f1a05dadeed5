"""Over the cable: MicroPython, the firmware and a kiosk's settings onto a board, and its self-test.

`models` says which boards serve, `image` judges and keeps MicroPython's image, `loader` writes it
(esptool), `files` knows what lies on a board, `cable` puts it there (mpremote), `memory` measures,
`self_test` asks the board, `command` is the command.
"""
