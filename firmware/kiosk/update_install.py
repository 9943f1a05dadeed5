"""Installs one update: checks the offer, fetches the bundle, checks it, unpacks it into a slot.

Loaded by `update` while an update is offered, and unloaded afterwards with the modules that it
needs.
"""

import asyncio
import os
import sys

from kiosk import VERSION, update_bundle
from kiosk.errors import UpdateError
from kiosk.signature import verified
from kiosk.update_offer import PIECE_MAX, check, parts, signed_text
from kiosk_board import BOARD

_ANSWER_MS = 5000
_TRIES = 12
ABI = getattr(sys.implementation, "_mpy", 0) & 0xFF  # .mpy version that this firmware runs


class Installation:
    """Installation of one offer; `update` is the kiosk's `Update`, whose host and state it uses."""

    def __init__(self, update):
        self._kiosk = update.kiosk
        self._key = update.key
        self._host = update.host
        self._folder = update.folder
        self._installed = update.installed
        self._piece = b""
        self._arrived = asyncio.Event()
        self.superseded = False
        """Whether another offer has arrived since this one."""

    def piece(self, payload):
        """Take a piece of the bundle: its offset (4 bytes, big-endian), then its content."""
        self._piece = bytes(payload)
        self._arrived.set()

    async def run(self, offer):
        """Install the offer and restart. Raises `UpdateError` or `OSError`; then the installed
        firmware is unchanged."""
        await self._check(offer)
        fault = self._host.fault()
        path = self._folder + "/update.bundle"
        try:
            await self._fetch(offer, path)
            await self._wait_idle()
            if await update_bundle.digest_of(path) != offer["sha256"]:
                raise UpdateError("the bundle's digest is not the one that was signed")
            slot = self._installed.spare
            await update_bundle.unpack(
                path, self._folder + "/" + slot, offer["version"], ABI, offer["boards"]
            )
        finally:
            try:
                os.remove(path)
            except OSError:
                pass
        installed = self._installed
        installed.trial, installed.booted = slot, False
        installed.issued, installed.version = offer["issued"], offer["version"]
        # A sensor fault that was there before and after the download must not fail the trial.
        installed.failed = ""
        installed.fault = fault if fault and fault == self._host.fault() else ""
        installed.write()
        self._host.say("restarting", version=offer["version"])
        await asyncio.sleep(1)  # time to send the message
        await self._wait_idle()
        self._host.restart()

    async def _check(self, offer):
        check(offer)
        if not self._key:
            raise UpdateError("this kiosk has no update_key: provision it again")
        if not await verified(self._key, offer["signature"], signed_text(self._kiosk, offer)):
            raise UpdateError("the signature is wrong")
        if self._installed.trial:
            raise UpdateError("an update is on trial: wait for its end")
        if offer["issued"] <= self._installed.issued:
            raise UpdateError("issued: not after the offer taken last")
        if BOARD not in offer["boards"]:
            raise UpdateError("not for this board: %s" % BOARD)
        if offer["abi"] != ABI:
            raise UpdateError("compiled for .mpy %d, this board takes %d" % (offer["abi"], ABI))
        if not offer["downgrade"] and parts(offer["version"]) <= parts(VERSION):
            raise UpdateError("%s is not above %s, which runs" % (offer["version"], VERSION))

    async def _fetch(self, offer, path):
        size = offer["size"]
        with open(path, "wb") as file:
            received = 0
            while received < size:
                data = await self._next(received)
                if not 0 < len(data) <= min(PIECE_MAX, size - received):
                    raise UpdateError("a piece of %d bytes at %d" % (len(data), received))
                file.write(data)
                received += len(data)

    async def _next(self, offset):
        """Fetch the piece at an offset, in up to `_TRIES` requests. Raises `UpdateError`."""
        for _ in range(_TRIES):
            await self._wait_idle()
            self._arrived.clear()
            self._host.ask(offset)
            try:
                await asyncio.wait_for(self._arrived.wait(), _ANSWER_MS / 1000)
            except asyncio.TimeoutError:
                continue
            if self.superseded:
                raise UpdateError("another offer came")
            piece = self._piece
            if int.from_bytes(piece[:4], "big") == offset:
                return piece[4:]
        raise UpdateError("no piece at %d came" % offset)

    async def _wait_idle(self):
        """Wait until nobody is scanned: flash and RSA would delay the scan."""
        while not self._host.idle():
            await asyncio.sleep(0.1)
