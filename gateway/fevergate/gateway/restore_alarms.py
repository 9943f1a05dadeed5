"""What the lamps showed when the last run ended, where the store cannot know or tell it.

Red comes before the disk: a gateway that is killed between the two has announced a fever that it
never stored. The kiosk will send it again, but until then the broker's retained word is all that
keeps the gate from showing green. The same where the store cannot be opened.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec

from fevergate.errors import FeverGateError
from fevergate.mqtt.one_shot import read_all_retained
from fevergate.protocol.messages import AlarmState, Identity, alarm_topic
from fevergate.settings.gateway import GatewaySettings

log = logging.getLogger(__name__)

CONNECT_S = 2.0
"""No gate waits longer for a broker that may be starting, too."""


def announced(settings: GatewaySettings) -> Iterator[tuple[str, Identity, float]]:
    """The newest fever of each gate that was announced to be red, as (gate, identity, raised_at);
    none where the broker cannot be asked."""
    try:
        said = read_all_retained(settings, alarm_topic(settings.campus, "+"), CONNECT_S)
    except FeverGateError as error:
        log.info("what was shown last is not known: %s", error)
        return
    for gate in settings.gates:
        try:
            state = msgspec.json.decode(
                said.get(alarm_topic(settings.campus, gate.name), b"null"), type=AlarmState | None
            )
        except msgspec.MsgspecError as error:
            log.warning("retained alarm of %s: %s", gate.name, error)
            continue
        if state is None or state.state != "raised" or state.last is None:
            continue
        yield (
            gate.name,
            Identity(state.last.kiosk, state.last.boot, state.last.seq),
            state.since,
        )
