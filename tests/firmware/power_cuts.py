"""Runs under MicroPython: LittleFS on a flash whose power goes at every write and erase in turn.

Arguments: firmware folder, "clean" or "torn" (half of the write that was under way lands), the
first cut and how many, this folder. The script of a board's life is played, and what is on the
flash is kept before each change of it; then the board boots on each. Prints how many cuts were
survived, fewer than asked for where the life ended before.
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

gc.disable()  # a board that is dark closes no file, as a collected one would


class Life:
    """What the board did before the power went, as the world outside knows it."""

    def __init__(self):
        self.boots = []
        self.kept = {}  # acknowledged to the outbox and not stored at the gateway
        self.begun = {}  # handed over, or released, when the power went: either is right
        self.remembered = None
        self.writing = None

    def copy(self):
        other = Life()
        other.boots, other.kept, other.begun = list(self.boots), dict(self.kept), dict(self.begun)
        other.remembered, other.writing = self.remembered, self.writing
        return other


def data_of(boot, seq):
    """A reading; those of every second boot are of a kiosk with a reader of cards."""
    names = ("up_ms", "samples", "scan_ms", "queued") + record.TEMPERATURES
    values = dict.fromkeys(names, seq)
    values.update({"seq": seq, "at": None, "fw": "0.1.0", "reason": ""})
    values["verdict"] = "normal" if seq % 9 else "fever"
    if boot & 1:
        values["who"] = "%016x" % seq if seq % 4 else None
        values["permit"] = "late" if seq % 4 else None
    return record.pack(values)


def live(life):
    """Some boots of a kiosk at a gate, its gateway now there, now away."""
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
                gone = [one for one in life.kept if one[0] == boot and one[1] <= seq - 3]
                for one in gone:
                    life.begun[one] = True
                    del life.kept[one]
                outbox.release(boot, seq - 3, ())
                for one in gone:
                    del life.begun[one]


def oldest(outbox):
    """The first reading that is no fever: a full outbox forgets it."""
    fevers = {}
    while True:
        boot, seq, data = outbox.waiting(fevers)
        if not record.fever_of(data):
            return boot, seq
        fevers[(boot, seq)] = True


def after(flash, life):
    """Boot on what is left, and look."""
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    try:
        outbox = Outbox("/flash/outbox", limit=1000)
        boot = next_boot("/flash/boot", after=outbox.last_boot(), fresh=7000)
        assert boot not in life.boots, (boot, life.boots)
        found = {}
        while True:
            waiting = outbox.waiting(found)
            if waiting is None:
                break
            assert waiting[2] == data_of(*waiting[:2])
            assert waiting[:2] not in found
            found[waiting[:2]] = True
        lost = [key for key in life.kept if key not in found]
        assert not lost, ("lost", lost)
        for number in range(1, 4):  # and it takes more
            outbox.add(boot, data_of(boot, number))
        assert len(outbox) == len(found) + 3
        remembered = SafeFile("/flash/crowd").read()
        assert remembered in (life.remembered, life.writing), remembered
    finally:
        vfs.umount("/flash")


class Watched(Flash):
    """Keeps what the power's going at one of some changes would leave, and the life until then."""

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
    """How many cuts were survived: the life is lived once, and each is looked at by itself."""
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
