"""The line to the broker."""
