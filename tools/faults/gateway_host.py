"""Runs the shipped gateway on mock pins, and prints what it lights and announces.

It prints `SECONDS pin NUMBER LEVEL` for each change of a pin, and `SECONDS told JSON` before each
message to a gate's boards. JSON has the gate's newest fever, and the reasons why the gate is amber.
SECONDS are of this machine's monotonic clock, which all processes share. SIGTERM ends it.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from gpiozero.pins.mock import MockFactory

from fevergate.alarm.alarm import Alarm
from fevergate.clock import machine
from fevergate.gateway import process, service
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Identity
from fevergate.settings.gateway import load_gateway
from harness.gateway_host import TimedPin, say


def _told(identity: Identity | None, amber: Iterable[str] = ()) -> None:
    say(f"told {json.dumps([identity, [*amber]], ensure_ascii=False)}")


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
    service.Alarm, process.Gateway = _Alarm, _Gateway
    # The gateway's clock is simulated, so it must not learn that this machine's clock is
    # synchronised.
    machine.SYNCHRONISED_FLAG = path.with_name("no-time-server")
    process.run(load_gateway(path), MockFactory(pin_class=TimedPin))


if __name__ == "__main__":
    main()
