"""The Pi's power fails at any instant: no reading that was reported as stored is lost."""

import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import real_micropython

from fevergate.storage.connection import open_reader
from fevergate.storage.store import Store

HERE = Path(__file__).parent
ROOT = real_micropython.ROOT
SECTOR = 512

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler for the disk's trace")


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Each operation of a storing gateway on its disk, in order."""
    folder = tmp_path_factory.mktemp("traced")
    library = folder / "disk_trace.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "disk_trace.c", "-ldl"], check=True
    )
    disk = folder / "disk"
    disk.mkdir()
    result = subprocess.run(
        [sys.executable, HERE / "storing_alone.py", disk, "40"],
        env=os.environ
        | {
            "LD_PRELOAD": str(library),
            "TRACE": str(folder / "trace"),
            "TRACE_ROOT": str(disk),
            "PYTHONPATH": f"{ROOT / 'tests/support'}",
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return list(records((folder / "trace").read_bytes()))


def records(data):
    at = 0
    while at < len(data):
        kind, file, offset, length = struct.unpack_from("<cIqI", data, at)
        at += 17
        yield kind, file, offset, data[at : at + length]
        at += length


class Disk:
    """Files as they are after a power cut: all that was synced, and a random part of the rest."""

    def __init__(self, chance):
        self._chance = chance
        self._names = {}
        self._safe = {}
        self._pending = {}

    def does(self, kind, file, offset, data):
        if kind == b"O":
            name = self._names[file] = Path(data.decode()).name
            self._safe.setdefault(name, bytearray())
            self._pending.setdefault(name, [])
            return
        if kind == b"U":  # SQLite syncs the folder after it removes a file
            self._safe.pop(Path(data.decode()).name, None)
            self._pending.pop(Path(data.decode()).name, None)
            return
        name = self._names[file]
        if kind == b"S":
            for change in self._pending[name]:
                self._change(name, *change)
            self._pending[name] = []
        else:
            self._pending[name].append((kind, offset, data))

    def reported(self):
        """Numbers reported as stored, and whether the store was ready. The file `told` stands for
        the network, so it is not lost in a power cut."""
        lines = b"".join(data for _, _, data in self._pending.get("told", ())).split()
        return [int(line) for line in lines if line.isdigit()], b"begun" in lines

    def cut(self, folder):
        for name, pending in self._pending.items():
            if name == "told" or name.endswith("-shm"):
                continue
            for kind, offset, data in pending:
                if self._chance.random() < 0.5:
                    continue  # this change never reached the disk
                torn = self._chance.randrange(0, len(data) // SECTOR + 1) * SECTOR
                self._change(name, kind, offset, data[: torn or len(data)])
            (folder / name).write_bytes(self._safe[name])

    def _change(self, name, kind, offset, data):
        content = self._safe[name]
        if kind == b"T":
            del content[offset:]
            content.extend(bytes(offset - len(content)))
        else:
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            content[offset : offset + len(data)] = data


def after_the_cut(folder, reported):
    """Open the database as the gateway does, and check that no reported reading is missing and
    that all counts agree."""
    store = Store(folder / "fevergate.db")
    try:
        assert store.db.execute("pragma integrity_check").fetchone() == ("ok",)
    finally:
        store.close()
    reader = open_reader(folder / "fevergate.db")
    try:
        seqs = [seq for (seq,) in reader.execute("select seq from readings order by seq")]
        assert seqs[: reported[-1] if reported else 0] == list(
            range(1, (reported[-1] if reported else 0) + 1)
        )
        assert len(seqs) == len(set(seqs))
        fevers = [seq for (seq,) in reader.execute("select seq from fevers order by seq")]
        assert fevers == [seq for seq in seqs if seq % 7 == 0]
        for query in (
            "select coalesce(sum(normal + fever), 0) from hours",
            "select coalesce(sum(normal + fever), 0) from days",
        ):
            assert reader.execute(query).fetchone() == (len(seqs),)
    finally:
        reader.close()


def cuts(trace, begin, every, folder):
    count = 0
    for end in range(begin, len(trace) + 1, every):
        disk = Disk(random.Random(end))
        for record in trace[:end]:
            disk.does(*record)
        reported, begun = disk.reported()
        if not begun:
            continue  # nothing was reported as stored yet: the tables are still being made
        copy = folder / str(end)
        copy.mkdir()
        disk.cut(copy)
        after_the_cut(copy, reported)
        shutil.rmtree(copy)
        count += 1
    return count


def test_no_reading_that_was_reported_as_stored_is_missing_after_a_power_cut(trace, tmp_path):
    assert sum(kind == b"S" for kind, *_ in trace) > 40
    assert cuts(trace, 1, 1, tmp_path) > 200


def test_the_trace_can_tell_a_store_that_promises_too_early(trace, tmp_path):
    """Without any sync after the store was opened, some reading that was reported as stored is
    missing."""
    begun = next(n for n, (_, _, _, data) in enumerate(trace) if data == b"begun\n")
    careless = [record for n, record in enumerate(trace) if n < begun or record[0] != b"S"]
    with pytest.raises(Exception):  # noqa: B017 - missing rows, or a database beyond reading
        cuts(careless, begun + 1, 5, tmp_path)
