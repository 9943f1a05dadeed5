"""One gate as the guard sees it: the lamps can be relied on, whatever is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from kiosk_helpers import ANSWER_S, FEVERISH, HEALTHY

from fevergate.alarm.gpio_pins import GATES
from fevergate.operations.status_command import look
from fevergate.storage.connection import open_reader
from harness.system import System
from simulator import Fault

PINS = GATES["gate1"]


class Gate(System):
    """A system with one gate and one kiosk, without the simulated guard who presses the button."""

    def __init__(self, folder):
        super().__init__(folder, [], speed=8, gates={"north": ["north-1"]})
        self.board = self.boards[0]

    def __enter__(self):
        super().__enter__()
        self.guard.stop()
        return self

    def burns(self, lamp: str) -> bool:
        return self.lamps.lit(PINS[lamp])

    def until(self, ready, event: str) -> None:
        end = time.monotonic() + ANSWER_S
        while not ready():
            assert time.monotonic() < end, event
            time.sleep(0.02)

    def until_lamps(self, *expected: str) -> None:
        self.until(
            lambda: (
                {lamp for lamp in ("red", "amber", "green") if self.burns(lamp)} == set(expected)
            ),
            f"lamps: {expected}",
        )

    def comes(self, person) -> None:
        self.board.admit([person])
        self.board.wait_crowd(ANSWER_S)

    def press_until_green(self) -> None:
        """Press the button again and again, as a guard would: a press while the gateway starts is
        not seen."""

        def green() -> bool:
            self.gateway.tell(f"press {PINS['acknowledge']}")
            time.sleep(0.3)
            return self.burns("green")

        self.until(green, "green after the button")

    def status(self):
        return look(self.settings)

    def acknowledge(self, by: str) -> str:
        """Acknowledge by the command; return its output."""
        command = [sys.executable, "-m", "fevergate.cli", "acknowledge", "north", "--by", by]
        command += ["--settings", str(self.settings_path)]
        result = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
        return result.stdout

    def acknowledged_by(self) -> list[str | None]:
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            rows = reader.execute("select acknowledged_by from fevers order by seq")
            return [by for (by,) in rows]
        finally:
            reader.close()


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path / "gate") as gate:
        gate.until_lamps("green")
        yield gate


def test_red_stays_until_the_button_and_the_log_knows(gate):
    gate.comes(HEALTHY)
    assert not gate.lamps.spans(PINS["red"])
    gate.comes(FEVERISH)
    gate.until_lamps("red")
    gate.comes(HEALTHY)
    assert gate.burns("red")
    gate.gateway.tell(f"press {PINS['acknowledge']}")
    gate.until_lamps("green")
    gate.until(lambda: gate.acknowledged_by() == ["button"], "the log knows who")


def test_a_command_acknowledges_with_a_name(gate):
    gate.comes(FEVERISH)
    gate.until_lamps("red")
    gate.until(lambda: gate.status().gates[0].state == "raised", "it is announced")
    assert gate.acknowledge("李伟") == "north：李伟 已确认。\n"
    gate.until_lamps("green")
    gate.until(lambda: gate.acknowledged_by() == ["李伟"], "the log knows who")
    assert gate.acknowledge("王芳") == "north：红灯未亮，无需确认。\n"
    assert gate.acknowledged_by() == ["李伟"]


def test_a_killed_gateway_comes_back_red_until_somebody_acknowledges(gate):
    gate.comes(FEVERISH)
    gate.until_lamps("red")
    gate.until(lambda: gate.acknowledged_by() == [None], "it is stored")
    gate.kill_gateway()
    gate.until(lambda: gate.burns("red"), "red again")
    gate.press_until_green()
    gate.until(lambda: gate.acknowledged_by() == ["button"], "the log knows who")
    gate.kill_gateway()
    gate.until_lamps("green")
    assert len(gate.lamps.spans(PINS["red"])) == 2


def test_a_fever_while_the_gateway_is_down_lights_red_when_it_is_back(gate):
    gate.gateway.kill()
    gate.comes(FEVERISH)
    assert gate.board.visits[-1].answer == "red"
    gate.kill_gateway()
    gate.until(lambda: gate.burns("red"), "red")


def test_a_kiosk_without_power_is_amber_until_it_is_back(gate):
    gate.board.power_cut()
    gate.until_lamps("amber")
    gate.board.start()
    gate.until_lamps("green")


def test_a_broken_sensor_is_amber_until_it_is_mended(gate):
    with gate.board.world.lock:
        gate.board.sensor.fail(Fault.WRONG_PEC)
    gate.until_lamps("amber")
    with gate.board.world.lock:
        gate.board.sensor.heal()
    gate.until_lamps("green")


def test_a_full_disk_keeps_the_alarm_and_loses_nothing(gate):
    """Another connection holds the database, so that it cannot be written, as on a full disk."""
    holder = sqlite3.connect(gate.settings.path(gate.settings.database), isolation_level=None)
    holder.execute("begin immediate")
    for _ in range(3):
        gate.comes(HEALTHY)
    gate.comes(FEVERISH)
    gate.until(lambda: gate.burns("red"), "red although nothing can be stored")
    holder.execute("rollback")
    holder.close()
    gate.until(gate.settled, "stored and forwarded")
    summary = gate.judge()
    assert summary.problems == [] and summary.lost == summary.duplicated == 0


def test_a_stopped_gateway_ends_in_order_and_quickly(gate):
    gate.comes(HEALTHY)
    os.kill(gate.gateway._process.pid, signal.SIGTERM)
    assert gate.gateway._process.wait(ANSWER_S) == 0
