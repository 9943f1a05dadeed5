"""Pin numbers, built by tools/make-pins from hardware/pins.toml: change that."""

SDA = 21
SCL = 22
GREEN = 25
AMBER = 26
RED = 27
BEEPER = 32
