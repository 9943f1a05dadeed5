"""Unloads modules that are needed only for a short time, to free their memory."""

import sys


def give_back(*names):
    """Unload modules of this package, so that the next collection frees their memory.

    Objects imported from them stay usable; the next import loads the modules again, from flash or
    from a frozen image.
    """
    package = sys.modules.get("kiosk")
    for name in names:
        sys.modules.pop("kiosk." + name, None)
        if hasattr(package, name):
            delattr(package, name)
