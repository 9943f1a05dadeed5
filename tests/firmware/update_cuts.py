"""Runs under MicroPython: an update on LittleFS with the power cut at every change of the flash.

Arguments: firmware folder, "clean" or "torn" (half of the interrupted write lands), number of the
first cut, how many cuts, this folder, and a JSON file with the kiosk's key, two offers (the second
is later) and the bundle in hex. After each cut the board boots, and the firmware that it chooses
must be complete. If the update was lost, the board then takes the second offer.
"""

import asyncio
import binascii
import gc
import json
import os
import sys

import vfs

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[5])
from cut_flash import Flash
from kiosk.safe_file import Installed
from kiosk.update import Update

BLOCKS = 48
TORN = sys.argv[2] == "torn"
with open(sys.argv[6]) as file:
    GIVEN = json.load(file)
BUNDLE = binascii.unhexlify(GIVEN["bundle"])
NEW = {name: binascii.unhexlify(data) for name, data in GIVEN["files"].items()}
OLD = {"kiosk/app.mpy": b"old" * 900, "kiosk/scan.mpy": b"older" * 700}

_sleep = asyncio.sleep
asyncio.sleep = lambda _: _sleep(0)  # never waits

gc.disable()  # a board without power closes no file, but collecting one would


class RestartError(Exception):
    """The update asked the board to restart."""


class Host:
    """A gateway that answers at once."""

    def __init__(self):
        self.update = Update("north-1", GIVEN["key"], self, "/flash")
        self.reports = []

    def say(self, state, **more):
        self.reports.append((state, more))

    def ask(self, offset):
        self.update.piece(offset.to_bytes(4, "big") + BUNDLE[offset : offset + 1000])

    def idle(self):
        return True

    def fault(self):
        return ""

    def restart(self):
        raise RestartError()


def write(slot, files):
    os.mkdir("/flash/" + slot)
    os.mkdir("/flash/%s/kiosk" % slot)
    for name, data in files.items():
        with open("/flash/%s/%s" % (slot, name), "wb") as file:
            file.write(data)


def whole(slot, files):
    for name, data in files.items():
        with open("/flash/%s/%s" % (slot, name), "rb") as file:
            if file.read() != data:
                return False
    return len(os.listdir("/flash/%s/kiosk" % slot)) == len(files)


def take(offer):
    """Take this offer until the board restarts."""
    host = Host()
    try:
        asyncio.run(host.update.take(offer))
    except RestartError:
        assert not host.update.on_trial  # an update on trial would confirm the new one
        return
    raise AssertionError(host.reports)


def live():
    take(GIVEN["offers"][0])
    installed = Installed("/flash/update")
    assert installed.choose() == "b"  # on trial
    installed.confirm()
    assert Installed("/flash/update").choose() == "b"
    os.mkdir("/flash/later")


def boots():
    """Boot once; return the slot that runs, which must be complete."""
    slot = Installed("/flash/update").choose()
    assert whole(slot, {"a": OLD, "b": NEW}[slot]), slot
    return slot


def after(flash):
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        first = boots()
        # An update that was on trial at the power cut is now given up or confirmed.
        second = boots()
        assert second == boots() and (first == second or first == "b")
        if second == "a":
            take(GIVEN["offers"][1])
            installed = Installed("/flash/update")
            assert installed.choose() == "b" and whole("b", NEW)
    finally:
        vfs.umount("/flash")
    return second


def play(cut_at):
    """The slot that runs in the end, and whether the power was cut before the life ended."""
    flash = Flash(BLOCKS, TORN)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    write("a", OLD)
    installed = Installed("/flash/update")
    installed.good = "a"
    installed.write()
    flash.changes, flash.cut_at = 0, cut_at
    cut = False
    try:
        live()
    except Exception:
        cut = True
        if flash.cut_at != -1:
            raise
    finally:
        vfs.umount("/flash")
    return after(Flash(BLOCKS, TORN, flash.data)), cut


first, count = int(sys.argv[3]), int(sys.argv[4])
stays = []
while len(stays) < count:
    slot, cut = play(first + len(stays))
    if not cut:
        break
    stays.append(slot)
print("survived", len(stays), "".join(stays))
