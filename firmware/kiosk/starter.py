"""Chooses what runs: the files that were flashed over USB, or one of two slots with an update.

Runs before all else, and always out of the flashed files, which no update ever touches. An update
has one boot to show that it is healthy: if it crashes, hangs, or says nothing in time, the next
boot is that of the files before it. So a power cut on trial costs the update, never the kiosk.
"""

import os
import sys
import time

import machine

from kiosk.safe_file import Installed

NEEDED = ("/settings.json", "/ca.der")
_RESTART_S = 5
_TRIAL_WATCHDOG_MS = 60_000  # importing, joining the Wi-Fi and TLS on a slow day


def start():
    """Run the kiosk, for ever: whatever ends it, the board starts anew."""
    slot = ""
    try:
        installed = Installed()
        try:
            slot = installed.choose()
        except OSError:
            slot = installed.good  # a flash that takes nothing any more still holds what ran
        if slot:
            _enter(slot)
            if installed.trial == slot:
                machine.WDT(timeout=_TRIAL_WATCHDOG_MS)
        if _is_set_up():
            from kiosk.app import main
        else:
            from kiosk.commissioning import main  # alone: both together take more memory than it is
        main()
    except KeyboardInterrupt:
        raise  # somebody at the USB port wants the board
    except Exception as error:
        print("the kiosk fell:")
        sys.print_exception(error)
        if slot and isinstance(error, (ImportError, SyntaxError)):
            _leave(slot)
    time.sleep(_RESTART_S)
    machine.reset()


def _is_set_up():
    """Whether the board was ever told what it is; what the files say, `main` looks at."""
    for path in NEEDED:
        try:
            os.stat(path)
        except OSError:
            print("no settings: %s: no such file" % path)
            return False
    return True


def _enter(slot):
    """Import from the slot, and forget what came from elsewhere."""
    sys.path.insert(0, "/" + slot)
    for name in list(sys.modules):
        if name == "kiosk" or name.startswith("kiosk."):
            del sys.modules[name]


def _leave(slot):
    """Not even its files can be read: what was flashed over USB is there for that."""
    installed = Installed()
    if installed.good == slot and not installed.trial:
        installed.good, installed.failed = "", "slot %s is damaged" % slot
        installed.write()
