"""Shared by commands: `options`, passwords (`secret_input`), results of a check (`finding`)."""
