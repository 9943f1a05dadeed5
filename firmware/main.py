"""Runs after boot.py: the kiosk."""

from kiosk.app import main

main()
