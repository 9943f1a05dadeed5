"""Measures the kiosk's decision: what it shows, what its constants are worth, what it costs."""
