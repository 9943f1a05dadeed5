"""An update over the air: offered, fetched piece by piece, verified, put on trial.

The offer is signed for this kiosk and newer than any that was ever taken, so that an old one
that is played again is refused. What is fetched lies in one file until the digest of all of it is
right; then it becomes the spare slot, which is booted on trial (see `starter`).
"""

import asyncio
import os
import sys

from kiosk import VERSION, bundle
from kiosk.errors import UpdateError, plain
from kiosk.offer import PIECE_MAX, check, parts, signed_text
from kiosk.signature import verified
from kiosk.starter import Installed

ANSWER_MS = 5000
TRIES = 12
TRIAL_MS = 120_000
TRIAL_MIN_MS = 20_000
ABI = getattr(sys.implementation, "_mpy", 0) & 0xFF  # of compiled files: MicroPython's .mpy version


class Update:
    """One kiosk's updates; `key` is the modulus that offers are signed with.

    `host` gives `say(state, **more)` to tell the gateway, `ask(offset)` for a piece, `idle()`,
    whether nobody is being measured, `fault()` of the sensor (None: not known yet), and
    `restart()`.
    """

    def __init__(self, kiosk, key, host, folder=""):
        self._kiosk = kiosk
        self._key = key
        self._host = host
        self._folder = folder
        self.installed = Installed(folder + "/update")
        self._offer = None
        self._offered = asyncio.Event()
        self._piece = b""
        self._arrived = asyncio.Event()

    @property
    def on_trial(self):
        """Whether what runs must still show that it is healthy."""
        return bool(self.installed.trial)

    @property
    def word(self):
        """What health says of it: nothing, unless something is to be said."""
        if self.on_trial:
            return "on trial"
        return "rolled back %s" % self.installed.failed[:32] if self.installed.failed else ""

    def healthy(self, up_ms, line_up):
        """Whether it has shown that: up for a while, on the line, no fault that was not before."""
        fault = self._host.fault()
        same = fault is not None and fault in ("", self.installed.fault)
        return up_ms >= TRIAL_MIN_MS and line_up and (same or not self.on_trial)

    def offer(self, message):
        """The gateway offers an update: a decoded message, whatever it is."""
        self._offer = message
        self._offered.set()

    def piece(self, payload):
        """A piece of the bundle: its offset (4 bytes, big-endian) and up to 1 KiB."""
        self._piece = bytes(payload)
        self._arrived.set()

    def confirm(self):
        """What is on trial is healthy. Raises `OSError`."""
        self.installed.confirm()
        self._host.say("running", version=VERSION)

    def report(self):
        """Tell of a trial that failed, once the line is up. Raises `OSError`."""
        if self.installed.failed:
            self._host.say("rolled back", version=self.installed.failed)

    async def run(self):
        """Take one offer after another, for ever."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            try:
                await self.take(self._offer)
            except UpdateError as error:
                self._host.say("refused", error=plain(error))
            except OSError as error:
                self._host.say("refused", error=plain("flash: %s" % error))

    async def take(self, offer):
        """Verify, fetch, verify, install, boot. Raises `UpdateError`, `OSError`; nothing that runs
        has then changed."""
        await self._check(offer)
        fault = self._host.fault()
        path = self._folder + "/update.bundle"
        try:
            await self._fetch(offer, path)
            await self._wait_idle()
            if await bundle.digest_of(path) != offer["sha256"]:
                raise UpdateError("the bundle's digest is not the one that was signed")
            slot = self.installed.spare
            await bundle.unpack(path, self._folder + "/" + slot, offer["version"], ABI)
        finally:
            try:
                os.remove(path)
            except OSError:
                pass
        installed = self.installed
        installed.trial, installed.booted = slot, False
        installed.issued, installed.version = offer["issued"], offer["version"]
        # Only a fault that outlasted the fetching is one that the update may have, too.
        installed.failed = ""
        installed.fault = fault if fault and fault == self._host.fault() else ""
        installed.write()
        self._host.say("restarting", version=offer["version"])
        await asyncio.sleep(1)  # for the word to go out
        await self._wait_idle()
        self._host.restart()

    async def _check(self, offer):
        check(offer)
        if not self._key:
            raise UpdateError("this kiosk has no update_key: provision it again")
        if not await verified(self._key, offer["signature"], signed_text(self._kiosk, offer)):
            raise UpdateError("the signature is wrong")
        if self.on_trial:
            raise UpdateError("an update is on trial: wait for its end")
        if offer["issued"] <= self.installed.issued:
            raise UpdateError("issued: a later offer was taken already")
        if offer["abi"] != ABI:
            raise UpdateError("compiled for .mpy %d, this board takes %d" % (offer["abi"], ABI))
        if not offer["downgrade"] and parts(offer["version"]) <= parts(VERSION):
            raise UpdateError("%s is not above %s, which runs" % (offer["version"], VERSION))

    async def _fetch(self, offer, path):
        size = offer["size"]
        with open(path, "wb") as file:
            got = 0
            while got < size:
                data = await self._next(got)
                if not 0 < len(data) <= min(PIECE_MAX, size - got):
                    raise UpdateError("a piece of %d bytes at %d" % (len(data), got))
                file.write(data)
                got += len(data)

    async def _next(self, offset):
        """The piece at an offset, asked for until it comes."""
        for _ in range(TRIES):
            await self._wait_idle()
            self._arrived.clear()
            self._host.ask(offset)
            try:
                await asyncio.wait_for(self._arrived.wait(), ANSWER_MS / 1000)
            except asyncio.TimeoutError:
                continue
            if self._offered.is_set():
                raise UpdateError("another offer came")
            piece = self._piece
            if int.from_bytes(piece[:4], "big") == offset:
                return piece[4:]
        raise UpdateError("no piece at %d came" % offset)

    async def _wait_idle(self):
        """Flash and arithmetic would be felt by whoever stands there."""
        while not self._host.idle():
            await asyncio.sleep(0.1)
