"""This board and its pins, built from hardware/boards.toml: change that."""

BOARD = "esp32-s3-n8r2"
SDA = 8
SCL = 9
GREEN = 4
AMBER = 5
RED = 6
BEEPER = 7
DOOR = 21
READER_TX = 17
READER_RX = 18
