"""MicroPython runs this after boot.py: starts the kiosk from the slot that is in force."""

from kiosk.starter import start

start()
