"""MicroPython runs this after boot.py: starts the kiosk from the slot that is to run."""

from kiosk.starter import start

start()
