"""The guards' own sensor: an MLX90614 on the Pi's bus, for second measurements.

`linux_i2c` is all that depends on Linux; driver, scan, estimate and verdict are the firmware's.
"""
