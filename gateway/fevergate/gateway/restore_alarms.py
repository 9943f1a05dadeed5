"""Reads from the broker which gates the last run announced as red.

The alarm is announced before the fever is stored, so a gateway that is killed between the two
leaves a fever that is in no store. The kiosk will send it again, but until then only the broker's
retained message keeps the gate from showing green. The same holds if the store cannot be opened.

The state that lamp posts show is announced even before the alarm. A press at a post may come after
the restart, and it must not end a fever that the post had not shown. So the fever that a post
showed last counts as the newest of its gate. It is restored even if its own gate's state does not
contain it yet.
"""

import logging
from collections.abc import Iterator

import msgspec

from fevergate.errors import FeverGateError
from fevergate.mqtt.one_shot import read_all_retained
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Identity
from fevergate.protocol.topics import alarm_topic, shown_topic
from fevergate.settings.gateway import GatewaySettings

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""How long the gateway's start waits for a broker that accepts the connection but answers slowly,
as on an overloaded Pi. If no broker runs, the connection is refused at once."""


def announced(settings: GatewaySettings) -> Iterator[tuple[str, Identity, float]]:
    """Yield the newest fever of each gate that was announced as red, as (gate, identity, Unix time
    (s) of the alarm). The fevers that lamp posts showed last come at the end. Yields none if the
    broker does not answer."""
    topics = [alarm_topic(settings.campus, "+")]
    if settings.posts:
        topics.append(shown_topic(settings.campus, "+"))
    retained: dict[str, bytes] = {}
    try:
        for filtered in topics:
            retained |= read_all_retained(settings, filtered, CONNECT_S)
    except FeverGateError as error:
        log.info("the alarms announced last are not known: %s", error)
        return
    yield from told_by(settings, retained)


def told_by(
    settings: GatewaySettings, retained: dict[str, bytes]
) -> Iterator[tuple[str, Identity, float]]:
    """Yield the fevers in retained messages (by topic), in the form and order of `announced`."""
    fevers: dict[Identity, tuple[str, float]] = {}
    for gate in settings.gates:
        for identity, since in _newest(retained, alarm_topic(settings.campus, gate.name)):
            fevers[identity] = gate.name, since
    # A gate that watches others comes after them: the fever that its own posts showed last is the
    # newest of all.
    for gate in sorted(
        set(settings.posts.values()), key=lambda gate: gate not in settings.watched_by
    ):
        for identity, since in _newest(retained, shown_topic(settings.campus, gate)):
            own_gate = settings.devices.get(identity.kiosk, gate)
            fevers[identity] = fevers.pop(identity, (own_gate, since))
    for identity, (gate, since) in fevers.items():
        yield gate, identity, since


def _newest(retained: dict[str, bytes], topic: str) -> Iterator[tuple[Identity, float]]:
    """The newest fever of a retained `AlarmState` that is raised, and the time since which it is
    raised."""
    try:
        state = msgspec.json.decode(retained.get(topic, b"null"), type=AlarmState | None)
    except msgspec.MsgspecError as error:
        log.warning("retained state on %s: %s", topic, error)
        return
    if state and state.state == "raised" and state.last:
        yield Identity(state.last.kiosk, state.last.boot, state.last.seq), state.since
