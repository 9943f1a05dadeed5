"""Tests of the firmware's pure files: plain asserts, so that MicroPython runs them as well."""
