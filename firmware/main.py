"""Runs after boot.py: the kiosk, out of the slot that the last update left in force."""

from kiosk.starter import start

start()
