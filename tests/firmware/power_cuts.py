"""Runs under MicroPython: LittleFS on a flash that loses its power at each write and erase in turn.

Arguments: firmware folder, "clean" or "torn" (half of the interrupted write lands), number of the
first cut, how many cuts, this folder. A scripted life of a board is played once. For each cut, the
content that the flash would then have is kept, and a board boots from it. Prints how many cuts
were survived; fewer than asked for if the life ended before.
"""

import gc
import sys

import vfs

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[5])
from cut_flash import Flash, PowerCutError
from kiosk import record
from kiosk.outbox import Outbox
from kiosk.this_boot import next_boot
from kiosk.safe_file import SafeFile

BLOCKS = 24
LIMIT = 100
TORN = sys.argv[2] == "torn"

gc.disable()  # a power cut closes no file, but the garbage collector would


class Life:
    """What a board had done before its power cut, as others know it from its messages."""

    def __init__(self):
        self.boots = []
        self.kept = {}  # accepted by the outbox and not stored at the gateway
        self.begun = {}  # being added or released at the cut: may be kept or lost
        self.remembered = None
        self.writing = None

    def copy(self):
        other = Life()
        other.boots, other.kept, other.begun = list(self.boots), dict(self.kept), dict(self.begun)
        other.remembered, other.writing = self.remembered, self.writing
        return other


def data_of(boot, seq):
    """A reading; in every second boot the kiosk has a card reader."""
    names = ("up_ms", "samples", "scan_ms", "queued") + record.TEMPERATURES
    values = dict.fromkeys(names, seq)
    values.update({"seq": seq, "at": None, "fw": "0.1.0", "reason": ""})
    values["verdict"] = "normal" if seq % 9 else "fever"
    if boot & 1:
        values["who"] = "%016x" % seq if seq % 4 else None
        values["permit"] = "late" if seq % 4 else None
    return record.pack(values)


def live(life):
    """Play three boots of a kiosk; in the second its gateway is away."""
    slots = SafeFile("/flash/crowd")
    for stage in range(3):
        outbox = Outbox("/flash/outbox", limit=LIMIT)
        boot = next_boot("/flash/boot", after=outbox.last_boot(), fresh=7000)
        assert boot not in life.boots
        life.boots.append(boot)
        for seq in range(1, 61):
            key = (boot, seq)
            life.begun[key] = True
            dropped = oldest(outbox) if len(outbox) == LIMIT else None
            if life.kept.pop(dropped, None):
                life.begun[dropped] = True
            outbox.add(boot, data_of(boot, seq))
            life.kept[key] = True
            del life.begun[key]
            life.begun.pop(dropped, None)
            if seq % 13 == 0:
                life.writing = [stage, seq]
                slots.write(life.writing)
                life.remembered = life.writing
            if stage != 1 and seq % 10 == 0:
                released = [
                    identity
                    for identity in life.kept
                    if identity[0] == boot and identity[1] <= seq - 3
                ]
                for identity in released:
                    life.begun[identity] = True
                    del life.kept[identity]
                outbox.release(boot, seq - 3, ())
                for identity in released:
                    del life.begun[identity]


def oldest(outbox):
    """Boot and number of the oldest reading that is no fever: a full outbox drops it."""
    fevers = {}
    while True:
        boot, seq, data = outbox.waiting(fevers)
        if not record.fever_of(data):
            return boot, seq
        fevers[(boot, seq)] = True


def after(flash, life):
    """Boot from this flash and check that nothing is lost."""
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        outbox = Outbox("/flash/outbox", limit=1000)
        boot = next_boot("/flash/boot", after=outbox.last_boot(), fresh=7000)
        assert boot not in life.boots, (boot, life.boots)
        identities = {}
        while True:
            waiting = outbox.waiting(identities)
            if waiting is None:
                break
            assert waiting[2] == data_of(*waiting[:2])
            assert waiting[:2] not in identities
            identities[waiting[:2]] = True
        missing = [key for key in life.kept if key not in identities]
        assert not missing, ("lost", missing)
        for number in range(1, 4):  # the outbox takes more readings
            outbox.add(boot, data_of(boot, number))
        assert len(outbox) == len(identities) + 3
        remembered = SafeFile("/flash/crowd").read()
        assert remembered in (life.remembered, life.writing), remembered
    finally:
        vfs.umount("/flash")


class Watched(Flash):
    """A flash that keeps, for `count` changes, the content that a power cut would leave, and the
    life until then."""

    def __init__(self, life, first, count):
        Flash.__init__(self, BLOCKS, TORN)
        self.life = life
        self.first, self.end = first, first + count
        self.left = None  # until it is formatted

    def _change(self, at, buffer):
        if self.left is not None:
            if self.first <= self.changes < self.end:
                dark = Flash(BLOCKS, TORN, bytearray(self.data), 0)
                try:
                    dark._change(at, buffer)
                except PowerCutError:
                    self.left.append((dark.data, self.life.copy()))
            self.changes += 1
        self.data[at : at + len(buffer)] = buffer


def play(first, count):
    """Play the life once and check each cut by itself; return the number of cuts."""
    life = Life()
    flash = Watched(life, first, count)
    vfs.VfsLfs2.mkfs(flash)
    flash.left = []
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    live(life)
    vfs.umount("/flash")
    for data, until_then in flash.left:
        after(Flash(BLOCKS, TORN, data), until_then)
    if len(flash.left) < count:
        after(flash, life)
    return len(flash.left)


print("survived", play(int(sys.argv[3]), int(sys.argv[4])), "-")
