"""The guards' own sensor: an MLX90614 on the Pi's bus, for second looks and a check each day.

`linux_i2c` is all that knows Linux; driver, scan, estimate and verdict are the kiosk's own files.
"""
