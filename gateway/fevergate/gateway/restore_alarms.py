"""Reads from the broker which gates the last run announced as red.

The alarm is announced before the fever is stored, so a gateway killed between the two leaves a
fever that is in no store. The kiosk will send it again, but until then the broker's retained
message alone keeps the gate from showing green. The same holds where the store cannot be opened.
"""

import logging
from collections.abc import Iterator

import msgspec

from fevergate.errors import FeverGateError
from fevergate.mqtt.one_shot import read_all_retained
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Identity
from fevergate.protocol.topics import alarm_topic
from fevergate.settings.gateway import GatewaySettings

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""How long the gateway's start waits for a broker that takes the connection and is slow to answer,
as on an overloaded Pi; one that is not there refuses it at once."""


def announced(settings: GatewaySettings) -> Iterator[tuple[str, Identity, float]]:
    """Yield the newest fever of each gate announced as red, as (gate, identity, raised_at in Unix
    time); none where the broker does not answer."""
    try:
        retained = read_all_retained(settings, alarm_topic(settings.campus, "+"), CONNECT_S)
    except FeverGateError as error:
        log.info("the alarms announced last are not known: %s", error)
        return
    for gate in settings.gates:
        try:
            state = msgspec.json.decode(
                retained.get(alarm_topic(settings.campus, gate.name), b"null"),
                type=AlarmState | None,
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
