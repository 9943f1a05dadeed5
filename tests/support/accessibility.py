"""The ways in which every page is looked at."""

from harness.browser import NARROW, WIDE

WAYS = [("zh", "night", NARROW), ("en", "day", WIDE)]
