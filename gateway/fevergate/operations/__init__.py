"""Commands of the operator: doctor, status, backup, restore, close, clock, lamps."""
