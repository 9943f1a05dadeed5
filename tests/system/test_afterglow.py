"""A gateway that was killed after the red light and before the fever was stored starts with red."""

import pytest
from gpiozero.pins.mock import MockFactory
from samples import AT, arrived

from fevergate.alarm.gpio_pins import GATES
from fevergate.gateway.service import Gateway
from fevergate.mqtt.one_shot import publish_once, read_all_retained
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import alarm_topic
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store, waiting_fevers

TOPIC = alarm_topic("east", "north")


@pytest.fixture
def settings(site):
    settings = load_gateway(site.folder / "gateway.toml")
    for path in site.folder.glob("fevergate.db*"):
        path.unlink()
    yield settings
    publish_once(settings, TOPIC, b"", retain=True)


def announced(settings, seq=7):
    state = AlarmState(
        gate="north",
        state="raised",
        since=AT,
        fevers=1,
        last=FeverSeen(kiosk="north-1", boot=1, seq=seq),
    )
    publish_once(settings, TOPIC, encode(state), retain=True)


def red(factory):
    return bool(factory.pin(GATES["gate1"]["red"]).state)


def shown_at_first(settings):
    factory = MockFactory()
    gateway = Gateway(settings, factory)
    gateway.start()
    try:
        return red(factory)
    finally:
        gateway.stop()
        factory.reset()


def lit(settings):
    """Start a gateway, acknowledge, and let the fever arrive again. Return whether red is lit at
    the start, whether it is lit after the fever came again, and the fevers that still wait."""
    factory = MockFactory()
    gateway = Gateway(settings, factory)
    gateway.start()
    try:
        red_at_start = red(factory)
        gateway.ingest.alarms.press("north", "button")
        # The kiosk sends the fever again, since it was never told that it is stored.
        fever = arrived(7, "fever").reading
        gateway.alarm.fever("north", fever)
        red_later = red(factory)
        gateway.writer.call(lambda store: store.commit([arrived(7, "fever")])).result()
        waiting = gateway.writer.call(lambda store: waiting_fevers(store.db)).result()
    finally:
        gateway.stop()
        factory.reset()
    return red_at_start, red_later, waiting


def test_announced_red_is_restored_and_its_acknowledgement_holds_when_the_fever_arrives(
    settings,
):
    announced(settings)
    assert lit(settings) == (True, False, [])


def test_a_fever_that_was_stored_and_seen_to_is_not_shown_again(settings):
    store = Store(settings.path(settings.database))
    store.commit([arrived(7, "fever")])
    store.db.execute("update fevers set acknowledged_at = 1, acknowledged_by = 'Li'")
    store.close()
    announced(settings)
    assert lit(settings)[0] is False


def test_where_nothing_or_nonsense_was_announced_the_gate_begins_green(settings):
    assert not shown_at_first(settings)
    publish_once(settings, TOPIC, b'{"gate": 1}', retain=True)
    assert read_all_retained(settings, TOPIC)
    assert not shown_at_first(settings)


def test_a_gateway_comes_up_without_a_broker(settings, site):
    announced(settings)
    site.broker.stop()
    try:
        assert not shown_at_first(settings)
    finally:
        site.broker.start()
