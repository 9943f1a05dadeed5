"""FeverGate's kiosk: scan, decide, show, keep, send."""

VERSION = "0.1.0"
