"""Runs the shipped collector, and prints its progress ten times a second as a JSON line.

`up`: the broker has answered its subscription; `stored`: readings written; `first_at`, `last_at`:
first message and last commit, monotonic s; `cpu_s`: CPU seconds since the first message. SIGTERM
ends it.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fevergate.collect.collector import Collector
from fevergate.collect.intake import Item
from fevergate.settings.collector import load_collect

EVERY_S = 0.1


class Counted(Collector):
    """A collector that records its first message and reports its progress."""

    first_at = 0.0
    cpu_at = 0.0

    def _keep(self, item: Item, done: Callable[[], None]) -> None:
        if not self.first_at:
            self.first_at, self.cpu_at = time.monotonic(), time.process_time()
        super()._keep(item, done)

    def figures(self) -> dict[str, Any]:
        return {
            "up": self.broker.subscribed,
            "stored": self.writer.store.new,
            "first_at": self.first_at,
            "last_at": self.writer.committed_at,
            "cpu_s": time.process_time() - self.cpu_at,
        }


def main() -> None:
    """Usage: collect_host SETTINGS NAME."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    collector = Counted(load_collect(Path(sys.argv[1])), sys.argv[2])
    collector.start()
    while not ending.wait(EVERY_S):
        collector.tick()
        print(json.dumps(collector.figures()), flush=True)
    collector.stop()


if __name__ == "__main__":
    main()
