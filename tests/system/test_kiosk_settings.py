"""Settings from the gateway reach a kiosk, with real broker, real gateway and shipped firmware."""

import json
import subprocess
import sys

import pytest
from kiosk_helpers import ANSWER_S, HEALTHY, readings, settled, until

from fevergate.mqtt.one_shot import publish_once
from fevergate.protocol.topics import Topic
from fevergate.storage.connection import open_reader
from harness.site import CAMPUS
from harness.system import System


@pytest.fixture
def system(tmp_path):
    with System(tmp_path / "site", [], speed=8, gates={"north": ["north-1"]}) as system:
        system.guard.stop()
        system.boards[0].wait_console("link up", ANSWER_S)
        yield system


def command(system, *arguments):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "settings"),
            *("--settings", str(system.settings_path), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def answer(system):
    reader = open_reader(system.settings.path(system.settings.database))
    try:
        return reader.execute("select version, error from applied").fetchone()
    finally:
        reader.close()


def measured(system):
    board = system.boards[0]
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    return readings(board)[-1]


def test_a_threshold_is_in_force_at_once_without_a_reboot_and_after_a_power_cut(system):
    board = system.boards[0]
    result = command(system, "--threshold", "37.1", "--volume", "0", "--quiet", "22:00-06:30")
    assert result.returncode == 0 and "in force" in result.stdout and "37.1" in result.stdout
    assert answer(system) == (1, "")
    assert measured(system)["threshold_c"] == 37.1
    assert board.boots == 1
    assert not [tone for tone in board.beeps if tone.duty_u16]  # volume 0: no sound at all
    board.power_cut()
    board.start()
    assert measured(system)["threshold_c"] == 37.1


def test_only_what_is_given_changes_and_reset_takes_it_back(system):
    command(system, "--threshold", "37.1")
    result = command(system, "north-1", "--language", "en")
    assert "阈值 °C：37.1 °C · Threshold °C: 37.1 °C" in result.stdout
    assert (
        "Language of its display: English" in result.stdout and "threshold_c" not in result.stdout
    )
    assert answer(system) == (2, "")
    result = command(system, "--reset")
    assert "Threshold" not in result.stdout
    assert measured(system)["threshold_c"] == 37.3


def test_another_site_needs_no_reboot_either(system):
    before = measured(system)
    command(system, "--site", "forehead")
    after = measured(system)
    assert after["body_c"] - before["body_c"] > 0.9
    assert system.boards[0].boots == 1


def test_a_kiosk_that_is_away_takes_new_settings_when_it_is_back(system):
    board = system.boards[0]
    board.power_cut()
    result = command(system, "--threshold", "37.0")
    assert result.returncode == 0 and "waits for the kiosk" in result.stdout
    start = len(board.console)
    board.start()
    board.wait_console("settings applied", ANSWER_S, start=start)
    assert measured(system)["threshold_c"] == 37.0


def test_what_is_wrong_is_refused_by_name_and_the_last_good_ones_stay(system):
    command(system, "--threshold", "37.1")
    admin = system.settings.as_user("admin")
    for values in ({"threshold_c": 20}, {"password": "x"}, {"volume": []}, "none", 1e999):
        message = {"v": 1, "version": 9, "values": values}
        topic = str(Topic(CAMPUS, "north-1", "settings"))
        publish_once(admin, topic, json.dumps(message).encode(), retain=True)
        until(lambda: (answer(system) or (0, ""))[1])
        publish_once(
            admin,
            topic,
            b'{"v": 1, "version": 1, "values": {"threshold_c": 37.1, "utc_offset_min": 480}}',
            retain=True,
        )
        until(lambda: not (answer(system) or (0, "?"))[1])
    assert measured(system)["threshold_c"] == 37.1
    assert system.boards[0].boots == 1


def test_a_kiosk_that_nobody_knows_and_wrong_hours_are_named(system):
    assert "expected one of north-1" in command(system, "south-7").stderr
    assert "HH:MM-HH:MM" in command(system, "--quiet", "late").stderr


def test_a_campuss_notice_stands_on_the_idle_display(system):
    board = system.boards[0]
    before = settled(board)
    result = command(system, "--notice", "今日考场请走东门")
    assert result.returncode == 0 and "今日考场请走东门" in result.stdout
    until(lambda: board.display.to_text() != before)
    noticed = settled(board)
    half = len(noticed) // 2
    assert noticed[:half] == before[:half]  # the invitation is still there
    wrong = command(system, "--notice", "這是不行的")
    assert wrong.returncode == 2 and "no shape" in wrong.stderr
    command(system, "--notice", "")
    until(lambda: board.display.to_text() == before)
