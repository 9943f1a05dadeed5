"""The shipped decision on measured people."""
