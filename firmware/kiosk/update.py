"""Updates over the air: takes offers and judges a trial; `update_install` installs an offer.

An offer is signed for this kiosk and must be newer than the last one taken, so that a replayed
offer is refused. The bundle is fetched into one file, checked by its SHA-256 and unpacked
into the spare slot, which is then booted on trial (see `starter`).
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
    """Updates of one kiosk; `key` is the modulus (base64) of the key that signs offers.

    `host` has methods: `say(state, **more)` tells the gateway; `ask(offset)` requests a piece;
    `idle()` returns whether nobody is scanned; `fault()` returns the sensor fault, "" for none, or
    None while unknown; `restart()` restarts the board.
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
        """Whether the running firmware is an update that has not proved healthy yet. An update that
        was installed but not booted yet is not running, so it does not count."""
        return bool(self.installed.trial) and self.installed.booted

    @property
    def word(self):
        """State for the health message: "on trial", "rolled back VERSION" or ""."""
        if self.on_trial:
            return "on trial"
        return "rolled back %s" % self.installed.failed[:32] if self.installed.failed else ""

    def healthy(self, up_ms, line_up):
        """Whether the running firmware is healthy: up for 20 s and connected. An update on trial
        must also have no new sensor fault."""
        fault = self.host.fault()
        same = fault is not None and fault in ("", self.installed.fault)
        return up_ms >= _TRIAL_MIN_MS and line_up and (same or not self.on_trial)

    def offer(self, message):
        """Take an offer from the gateway: a decoded message, not yet checked."""
        self._offer = message
        self._offered.set()
        if self._installation:
            self._installation.superseded = True

    def piece(self, payload):
        """Take a piece of the bundle; ignored while none is being fetched."""
        if self._installation:
            self._installation.piece(payload)

    def confirm(self):
        """Keep the update on trial for good and tell the gateway. Raises `OSError`."""
        self.installed.confirm()
        self.host.say("running", version=VERSION)

    def report(self):
        """Tell the gateway of an update that was rolled back, if any; call it once connected."""
        if self.installed.failed:
            self.host.say("rolled back", version=self.installed.failed)

    async def run(self):
        """Install offers one after another, for ever; tells the gateway if one is refused."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            try:
                await self.take(self._offer)
            except UpdateError as error:
                self.host.say("refused", error=plain(error))
            except OSError as error:
                self.host.say("refused", error=plain("flash: %s" % error))
            except (ImportError, MemoryError) as error:  # `update_install` could not be loaded
                give_back(*_MODULES)
                self.host.say("refused", error=plain("memory: %s" % error))

    async def take(self, offer):
        """Install one offer and restart. Raises `UpdateError` or `OSError`; then the installed
        firmware is unchanged."""
        while not self.host.idle():
            await asyncio.sleep(0.1)  # loading the modules would delay a scan
        from kiosk.update_install import Installation

        self._installation = Installation(self)
        try:
            await self._installation.run(offer)
        finally:
            self._installation = None
            give_back(*_MODULES)
