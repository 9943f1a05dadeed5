"""If a thread dies, gates turn amber, the journal says so, and systemd restarts the process."""

import gc
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from fevergate.gateway.flood_guard import READINGS_BURST, SLACK_READINGS, FloodLevels
from fevergate.gateway.process import EXIT_THREAD_CRASHED, freeze_objects, supervise
from fevergate.gateway.service import STUCK_S, Gateway
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.system import thread_errors
from harness.broker import free_port

WAIT_S = 60


@pytest.fixture(autouse=True)
def nothing_fell(monkeypatch):
    monkeypatch.setattr(thread_errors, "crashed_threads", [])
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threads") / "fevergate"
    gates = {"north": ["north-1"]}
    provision(folder, campus="east", gateway="gw-east", gates=gates, broker_port=free_port())
    return folder


@pytest.fixture
def gateway(folder):
    thread_errors.watch()
    gateway = Gateway(load_gateway(folder / "gateway.toml"), MockFactory())
    yield gateway
    gateway.stop()


def amber(gateway):
    (state,) = gateway.alarm.states()
    return [reason for reason in state.amber if reason.startswith("gateway")]


@pytest.mark.parametrize("part", ["writer", "_broker", "_housekeeper", "_slow_checks"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_falls_turns_its_gates_amber_and_the_next_look_sees_it(gateway, part, caplog):
    thread = getattr(gateway, part)
    thread.run = lambda: 1 / 0
    gateway.start()
    thread.join(WAIT_S)
    assert not gateway.tick()
    assert gateway.dead == [thread.name] and amber(gateway) == [f"gateway: {thread.name} fell"]
    assert f"the thread {thread.name} fell" in caplog.text and "ZeroDivisionError" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_of_any_library_counts_too(gateway):
    gateway.start()
    assert gateway.tick() and gateway.dead == [] and amber(gateway) == []
    buzzer = threading.Thread(target=lambda: 1 / 0, name="buzzer")
    buzzer.start()
    buzzer.join(WAIT_S)
    assert not gateway.tick() and amber(gateway) == ["gateway: buzzer fell"]


def test_a_network_thread_that_stands_still_is_amber_and_feeds_no_watchdog(gateway):
    class Standing:
        """The broker's thread, except that its last progress lies too far back."""

        def __getattr__(self, name):
            value = getattr(part_of, name)
            return value - STUCK_S - 1 if name == "progressed_at" else value

    part_of = gateway._broker
    gateway.start()
    gateway._broker = Standing()
    assert not gateway.tick() and gateway.dead == []
    assert amber(gateway) == ["gateway: broker is stuck"]
    gateway._broker = part_of
    assert gateway.tick() and amber(gateway) == []


FALLING = """
import sys
from pathlib import Path
from gpiozero.pins.mock import MockFactory
from fevergate.gateway.process import run
from fevergate.settings.gateway import load_gateway
from fevergate.storage.writer_thread import Writer
Writer.run = lambda self: 1 / 0
run(load_gateway(Path(sys.argv[1])), MockFactory())
"""


def test_the_process_ends_by_itself_for_systemd_to_start_it_anew(folder):
    result = subprocess.run(
        [sys.executable, "-c", FALLING, str(folder / "gateway.toml")],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert result.returncode == EXIT_THREAD_CRASHED
    assert "the thread writer fell" in result.stderr and "started anew" in result.stderr


def test_a_self_check_that_raises_is_amber_and_does_not_end_it(gateway, caplog, monkeypatch):
    fed = []
    notifier: Any = SimpleNamespace(notify=fed.append)
    gateway.start()
    monkeypatch.setattr(gateway, "run_state", lambda: 1 / 0)
    for _ in range(3):
        supervise(gateway, notifier)
    assert fed == ["WATCHDOG=1"] * 3
    assert amber(gateway) == ["gateway: ZeroDivisionError while it looks after itself"]
    assert caplog.text.count("Traceback") == 1
    monkeypatch.undo()
    supervise(gateway, notifier)
    assert amber(gateway) == []
    monkeypatch.setattr(gateway, "tick", lambda: 1 / 0)
    supervise(gateway, notifier)
    assert fed == ["WATCHDOG=1"] * 4  # not fed this time, so systemd decides


def test_a_collection_does_not_look_through_what_was_there_at_the_start():
    """A garbage collection stops the thread that lights the lamp until it is done."""
    before = gc.get_threshold()
    try:
        freeze_objects()
        assert gc.get_freeze_count() > 10_000 > len(gc.get_objects(generation=2))
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@pytest.mark.parametrize("synchronised", [True, False])
def test_the_next_gateway_goes_on_from_what_this_one_knew_of_floods(
    folder, monkeypatch, synchronised
):
    """Saved levels need network time: a Pi's own clock stands still while it has no power."""
    monkeypatch.setattr("fevergate.gateway.clock_keeper.kernel_synchronised", lambda: synchronised)
    settings = load_gateway(folder / "gateway.toml")
    before, after = (Gateway(settings, MockFactory()) for _ in range(2))
    store = before._opener.open()
    before.ingest.flood.recall(FloodLevels(at=0.0, kiosks={"north-1": -SLACK_READINGS}), 0.0)
    before._clock_keeper.remember(store, before.clock.state())
    store.close()
    after._opener.open().close()
    after._clock_keeper.tick()
    levels = after.ingest.flood.levels(0.0).kiosks
    assert (
        levels.get("north-1", READINGS_BURST) < 10 * SLACK_READINGS
        if synchronised
        else levels == {}
    )
