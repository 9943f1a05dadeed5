"""The combinations of language, theme and width in which every page is checked."""

from harness.browser import NARROW, WIDE

WAYS = [("zh", "night", NARROW), ("en", "day", WIDE)]
