"""Commands of the operator: doctor, status, backup, restore, close, clock, lamps.

`doctor` runs the checks of the modules that are named after it, such as `doctor_lamps`; every other
module is named after its command.
"""
