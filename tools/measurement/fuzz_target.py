"""The process that `fuzz` tests: the gateway's intake with a real database, behind a pipe.

Argument: a folder. Standard input: a line of JSON for each message, [topic, payload in base64].
After an empty line it prints one line of JSON with counts and memory.
"""

import base64
import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.gateway.ingest import Ingest
from fevergate.settings.gateway import Gate, GatewaySettings
from fevergate.storage import skip_numpy  # noqa: F401 - before anything loads sqlite-utils
from fevergate.storage.store import Store
from fevergate.storage.writer_thread import MAX_WAITING, Writer

CAMPUS = "east"
DATABASE = "fuzz.db"
WARM = 20_000
"""Messages after which memory is measured for the first time."""

SETTINGS = GatewaySettings(
    campus=CAMPUS, gateway="gw-east", gates=[Gate(name="north", kiosks=["north-1", "north-2"])]
)


class _Dark:
    """A gate without lamps."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Ignored."""

    def buzz(self, on: bool) -> None:
        """Ignored."""


def main() -> None:
    """Handle messages until an empty line."""
    logging.disable()  # rejected messages are counted, not logged
    writer = Writer(Store(Path(sys.argv[1]) / DATABASE, SETTINGS.zone), lambda *_: None)
    alarm = Alarm({"north": _Dark()}, lambda _: None)
    ingest = Ingest(SETTINGS, alarm, KioskMonitor(SETTINGS, alarm.trouble), writer.add)
    writer.start()
    open_acknowledgements: Counter[int] = Counter()
    count, warm_mb = 0, 0.0
    for line in iter(sys.stdin.buffer.readline, b"\n"):
        topic, payload = json.loads(line)
        count += 1
        # A full queue drops messages; a broker would send them again, but this pipe does not.
        while writer.waiting > MAX_WAITING // 2:
            time.sleep(0.001)
        open_acknowledgements[count] += 1
        # The entry is removed when its count is 0: the message was acknowledged once.
        ingest.message(
            topic, base64.b64decode(payload), lambda n=count: _once(open_acknowledgements, n)
        )
        if count == WARM:
            warm_mb = _rss_mb()
    writer.stop()
    print(
        json.dumps(
            {
                "messages": count,
                "rejected": ingest.counts["rejected"],
                "flood": ingest.counts["flood"],
                "not_acknowledged_once": len(open_acknowledgements),
                "memory_mb": _rss_mb(),
                "memory_growth_mb": round(_rss_mb() - warm_mb, 1) if warm_mb else None,
            }
        ),
        flush=True,
    )


def _once(waiting: Counter[int], number: int) -> None:
    waiting[number] -= 1
    if waiting[number] == 0:
        del waiting[number]


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


if __name__ == "__main__":
    main()
