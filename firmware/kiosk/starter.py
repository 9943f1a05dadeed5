"""Boots the firmware flashed over USB, or an update from the slot that it was written to.

This file always runs as it was flashed over USB, because no update changes it. On a board that was
flashed long ago it imports `kiosk.app`, `kiosk.post_app` and `kiosk.commissioning` from a newer
slot: these names and their `main` must stay. An update has one boot on trial: if it crashes, hangs,
or does not prove healthy in time, the next boot runs the firmware before it. A power cut during the
trial therefore costs the update, never the kiosk.
"""

import json
import os
import sys
import time

import machine

from kiosk.safe_file import Installed

NEEDED = ("/settings.json", "/ca.der")
_RESTART_S = 5
_TRIAL_WATCHDOG_MS = 60_000  # importing, joining the Wi-Fi and TLS on a slow day


def start():
    """Run the kiosk, and reset the board when it ends for any reason but Ctrl-C."""
    slot = ""
    try:
        installed = Installed()
        try:
            slot = installed.choose()
        except OSError:
            slot = installed.good  # the flash cannot be written any more, but can be read
        if slot:
            _enter(slot)
            if installed.trial == slot:
                machine.WDT(timeout=_TRIAL_WATCHDOG_MS)
        if not _is_set_up():
            from kiosk.commissioning import main  # not both: they do not fit into memory together
        elif _role() == "lamp_post":
            from kiosk.post_app import main
        else:
            from kiosk.app import main
        main()
    except KeyboardInterrupt:
        raise  # Ctrl-C over USB: leave the board to the person there
    except Exception as error:
        print("the kiosk fell:")
        sys.print_exception(error)
        if slot and isinstance(error, (ImportError, SyntaxError)):
            _leave(slot)
    time.sleep(_RESTART_S)
    machine.reset()


def _is_set_up():
    """Whether settings and certificate exist; `main` checks what they hold."""
    for path in NEEDED:
        try:
            os.stat(path)
        except OSError:
            print("no settings: %s: no such file" % path)
            return False
    return True


def _role():
    """The board's role by its settings, or None; `main` checks them and reports what is wrong."""
    try:
        with open(NEEDED[0]) as file:
            return json.load(file).get("role")
    except (OSError, ValueError, AttributeError):
        return None


def _enter(slot):
    """Import from the slot from now on, and unload the modules imported so far."""
    sys.path.insert(0, "/" + slot)
    for name in list(sys.modules):
        if name == "kiosk" or name.startswith("kiosk."):
            del sys.modules[name]


def _leave(slot):
    """Boot the firmware flashed over USB from now on: the slot's files cannot be imported."""
    installed = Installed()
    if installed.good == slot and not installed.trial:
        installed.good, installed.failed = "", "slot %s is damaged" % slot
        installed.write()
