"""Modules of the kiosk that are needed seldom: imported where they are needed, then given back."""

import sys


def give_back(*names):
    """Forget modules of this package, so that the next collection frees what they take.

    What was imported from them works on; the next import loads them again, from flash or from a
    frozen image alike.
    """
    package = sys.modules.get("kiosk")
    for name in names:
        sys.modules.pop("kiosk." + name, None)
        if hasattr(package, name):
            delattr(package, name)
