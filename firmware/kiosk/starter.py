"""Chooses what runs: the files that were flashed over USB, or one of two slots with an update.

Runs before all else, and always out of the flashed files, which no update ever touches. An update
has one boot to show that it is healthy: if it crashes, hangs, or says nothing in time, the next
boot is that of the files before it. So a power cut on trial costs the update, never the kiosk.
"""

import os
import sys
import time

import machine

from kiosk.slots import Slots

SLOTS = ("a", "b")
_STATE = "/update"
NEEDED = ("/settings.json", "/ca.der")
_RESTART_S = 5
_TRIAL_WATCHDOG_MS = 60_000  # importing, joining the Wi-Fi and TLS on a slow day


class Installed:
    """What is on flash: `good` and `trial` name slots, "" is what was flashed."""

    def __init__(self, path=_STATE):
        self._slots = Slots(path)
        known = self._slots.read()
        values = known if isinstance(known, dict) else {}
        self.good = values.get("good") if values.get("good") in SLOTS else ""
        self.trial = values.get("trial") if values.get("trial") in SLOTS else ""
        self.booted = values.get("booted") is True
        issued = values.get("issued")
        self.issued = issued if isinstance(issued, int) else 0
        self.failed = str(values.get("failed") or "")
        self.version = str(values.get("version") or "")
        self.fault = str(values.get("fault") or "")

    @property
    def spare(self):
        """The slot that an update may be written to."""
        return "b" if self.good == "a" else "a"

    def write(self):
        """Make it so. Raises `OSError`."""
        self._slots.write(
            {
                "good": self.good,
                "trial": self.trial,
                "booted": self.booted,
                "issued": self.issued,
                "failed": self.failed,
                "version": self.version,
                "fault": self.fault,
            }
        )

    def choose(self):
        """The slot to boot; a trial that had its boot is over. Raises `OSError`."""
        if not self.trial:
            return self.good
        if not self.booted:
            self.booted = True
            self.write()
            return self.trial
        self.failed, self.trial = self.version, ""
        self.write()
        return self.good

    def confirm(self):
        """What is on trial is healthy: it stays. Raises `OSError`."""
        self.good, self.trial, self.failed = self.trial, "", ""
        self.write()


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
