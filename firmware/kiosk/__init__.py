"""Firmware of a FeverGate kiosk: scans a face, decides, shows the verdict, stores and sends it."""

VERSION = "0.1.0"
