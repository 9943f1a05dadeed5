"""Runs under MicroPython: stores days of readings on LittleFS, and counts erases and writes.

Arguments: firmware folder, "answers" or "away" (what the gateway does all day), readings a day,
days, first positives per thousand, blocks of the flash. Prints per day: erases, writes, bytes
written, erases of the most erased block, file writes; then the bytes of heap that the last day's
outbox takes, and the ms to start from its files.
"""

import gc
import sys
import time

import vfs

sys.path.insert(0, sys.argv[1])
from kiosk import record
from kiosk.outbox import Outbox
from kiosk.this_boot import next_boot
from kiosk.safe_file import SafeFile

BLOCK = 4096
ERASE = 6
BASELINE_SAVES = 8  # on a day whose crowd warms by 0.4 °C

answers = sys.argv[2] == "answers"
readings, days, positives, blocks = [int(text) for text in sys.argv[3:7]]


class Flash:
    """A NOR flash that counts erases and writes."""

    def __init__(self):
        self.data = bytearray(b"\xff" * (BLOCK * blocks))
        self.erases = [0] * blocks
        self.writes = 0
        self.bytes = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        self.writes += 1
        self.bytes += len(buffer)
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        if operation == 4:
            return blocks
        if operation == 5:
            return BLOCK
        if operation == ERASE:
            self.erases[argument] += 1
        return 0


def data_of(seq):
    values = dict.fromkeys(record.TEMPERATURES, 36.61)
    values.update({"seq": seq, "at": 1800000000 + seq, "up_ms": seq * 1000, "samples": 8})
    values.update({"scan_ms": 800, "queued": 0, "fw": "0.1.0", "verdict": "normal", "reason": ""})
    return record.pack(values)


def heap():
    gc.collect()
    return gc.mem_alloc()


flash = Flash()
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/flash")
crowd = SafeFile("/flash/crowd")
waits = [12, [3721, 2204, 3702, 3741, 12, 8, 800, ""]]
file_writes = 0
before = heap()
for _ in range(days):
    outbox = Outbox("/flash/outbox")
    boot = next_boot("/flash/boot", outbox.last_boot(), 7000)
    file_writes += 1
    for seq in range(1, readings + 1):
        outbox.add(boot, data_of(seq))
        file_writes += 1
        if answers:
            outbox.release(boot, seq, ())
        if seq * positives % 1000 < positives:
            crowd.write(waits)
            crowd.write([12, None])
            file_writes += 2
        if seq % (readings // BASELINE_SAVES) == 0:
            crowd.write([12, None])
            file_writes += 1
    took = heap() - before
    outbox = None
    began = time.ticks_ms()
    outbox = Outbox("/flash/outbox")
    started_ms = time.ticks_diff(time.ticks_ms(), began)
    outbox.release(boot, readings, ())
print(
    sum(flash.erases) / days,
    flash.writes / days,
    flash.bytes / days,
    max(flash.erases) / days,
    file_writes / days,
    took,
    started_ms,
)
