"""An update over the air: what is known of it at all times; `install` takes one when it is offered.

The offer is signed for this kiosk and newer than any that was ever taken, so that an old one
that is played again is refused. What is fetched lies in one file until the digest of all of it is
right; then it becomes the spare slot, which is booted on trial (see `starter`).
"""

import asyncio

from kiosk import VERSION
from kiosk.errors import UpdateError, plain
from kiosk.on_demand import give_back
from kiosk.safe_file import Installed

_MODULES = ("update_install", "update_bundle", "update_offer", "signature")
"""Modules that are loaded only while an update is offered."""

TRIAL_MS = 120_000
_TRIAL_MIN_MS = 20_000


class Update:
    """One kiosk's updates; `key` is the modulus that offers are signed with.

    `host` gives `say(state, **more)` to tell the gateway, `ask(offset)` for a piece, `idle()`,
    whether nobody is being measured, `fault()` of the sensor (None: not known yet), and
    `restart()`.
    """

    def __init__(self, kiosk, key, host, folder=""):
        self.kiosk = kiosk
        self.key = key
        self.host = host
        self.folder = folder
        self.installed = Installed(folder + "/update")
        self._offer = None
        self._offered = asyncio.Event()
        self._installation = None

    @property
    def on_trial(self):
        """Whether what runs must still show that it is healthy. What has just been put into the
        spare slot does not run yet: nobody may vouch for it before its own boot."""
        return bool(self.installed.trial) and self.installed.booted

    @property
    def word(self):
        """What health says of it: nothing, unless something is to be said."""
        if self.on_trial:
            return "on trial"
        return "rolled back %s" % self.installed.failed[:32] if self.installed.failed else ""

    def healthy(self, up_ms, line_up):
        """Whether it has shown that: up for a while, on the line, no fault that was not before."""
        fault = self.host.fault()
        same = fault is not None and fault in ("", self.installed.fault)
        return up_ms >= _TRIAL_MIN_MS and line_up and (same or not self.on_trial)

    def offer(self, message):
        """The gateway offers an update: a decoded message, whatever it is."""
        self._offer = message
        self._offered.set()
        if self._installation:
            self._installation.superseded = True

    def piece(self, payload):
        """A piece of the bundle that is being fetched; others are not listened to."""
        if self._installation:
            self._installation.piece(payload)

    def confirm(self):
        """What is on trial is healthy. Raises `OSError`."""
        self.installed.confirm()
        self.host.say("running", version=VERSION)

    def report(self):
        """Tell of a trial that failed, once the line is up. Raises `OSError`."""
        if self.installed.failed:
            self.host.say("rolled back", version=self.installed.failed)

    async def run(self):
        """Take one offer after another, for ever."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            try:
                await self.take(self._offer)
            except UpdateError as error:
                self.host.say("refused", error=plain(error))
            except OSError as error:
                self.host.say("refused", error=plain("flash: %s" % error))
            except (ImportError, MemoryError) as error:  # what takes it could not be loaded
                give_back(*_MODULES)
                self.host.say("refused", error=plain("memory: %s" % error))

    async def take(self, offer):
        """Verify, fetch, verify, install, boot. Raises `UpdateError`, `OSError`; nothing that runs
        has then changed."""
        while not self.host.idle():
            await asyncio.sleep(0.1)  # whoever stands there would feel the loading
        from kiosk.update_install import Installation

        self._installation = Installation(self)
        try:
            await self._installation.run(offer)
        finally:
            self._installation = None
            give_back(*_MODULES)
