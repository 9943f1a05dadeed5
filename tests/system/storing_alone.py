"""Commits batches of readings, and after each writes the last stored number to the file `told`.

Arguments: the folder, and the number of batches. Runs under `disk_trace`.
"""

import os
import sys
from pathlib import Path

from samples import AT, arrived, health

from fevergate.protocol.messages import Identity
from fevergate.storage.records import Acknowledged, HealthArrived
from fevergate.storage.store import Store

folder, batches = Path(sys.argv[1]), int(sys.argv[2])
store = Store(folder / "fevergate.db")
store.db.execute("pragma wal_autocheckpoint = 8")  # so that power cuts hit checkpoints, too
descriptor = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.write(descriptor, b"begun\n")
seq = 0
for number in range(batches):
    batch = []
    for _ in range(number % 4 + 1):
        seq += 1
        batch.append(arrived(seq, "fever" if seq % 7 == 0 else "normal"))
    if number % 5 == 4:
        batch.append(HealthArrived(health(at=AT + number * 60), AT, "north"))
        batch.append(Acknowledged((Identity("north-1", 1, 7),), "Li Wei", AT + 1))
    store.commit(batch)
    os.write(descriptor, b"%d\n" % seq)
os._exit(0)  # no orderly end: the write-ahead log stays as it is
