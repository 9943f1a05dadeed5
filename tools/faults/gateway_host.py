"""The shipped gateway on mock pins, which says what it lights and what it announces.

Lines `SECONDS pin NUMBER LEVEL` for each change of a pin and `SECONDS told JSON` before each word
to a gate's boards: the fever that it tells of, and why the gate is amber. The seconds are this
machine's monotonic ones, which every process shares. SIGTERM ends it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from fevergate.alarm.alarm import Alarm
from fevergate.clock import judge
from fevergate.gateway import service
from fevergate.protocol.messages import AlarmState, Identity
from fevergate.settings.gateway import load_gateway


def _say(what: str) -> None:
    # The line and its end at once: several threads speak.
    sys.stdout.write(f"{time.monotonic():.6f} {what}\n")
    sys.stdout.flush()


def _told(identity: Identity | None, amber: Iterable[str] = ()) -> None:
    _say(f"told {json.dumps([identity, [*amber]], ensure_ascii=False)}")


class _TimedPin(MockPin):
    def _change_state(self, value: Any) -> bool:
        changed = super()._change_state(value)
        if changed:
            _say(f"pin {self.info.name.removeprefix('GPIO')} {int(value)}")
        return changed


class _Alarm(Alarm):
    def restore(
        self, waiting: Iterable[tuple[str, Identity, float]], raised: Iterable[Identity]
    ) -> None:
        left = list(waiting)
        super().restore(left, raised)
        for _, identity, _ in left:
            _told(identity)


class _Gateway(service.Gateway):
    def _announce(self, state: AlarmState) -> None:
        last = state.last
        fever = Identity(last.kiosk, last.boot, last.seq) if last else None
        _told(fever, state.amber)
        super()._announce(state)


def main() -> None:
    """Usage: gateway_host SETTINGS."""
    path = Path(sys.argv[1])
    service.Alarm, service.Gateway = _Alarm, _Gateway
    # Whether this machine's own clock is right is nothing to this gateway.
    judge.SYNCHRONISED_FLAG = path.with_name("no-time-server")
    service.run(load_gateway(path), MockFactory(pin_class=_TimedPin))


if __name__ == "__main__":
    main()
