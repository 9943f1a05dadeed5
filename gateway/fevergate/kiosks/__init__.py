"""Kiosks from afar: settings, calibration, firmware."""
