"""Something lies on the lens and lets through only a part of the radiation, or none."""

import time

import pytest
from kiosk_helpers import (
    ANSWER_S,
    HEALTHY,
    authority_der,
    changed,
    kiosk,
    readings,
    settings,
    until,
)

from kiosk.safe_file import SafeFile
from simulator import Habits


@pytest.fixture
def board(tmp_path):
    files = {"settings.json": settings(), "ca.der": authority_der()}
    hasty = Habits(patience_ms=2500, tries=1, gap_ms=1500)
    board = kiosk(tmp_path / "flash", files, habits=hasty)
    yield board
    board.stop()


def comes(board) -> None:
    """Let the next person come once nobody is there. On a slow machine some leave unmeasured."""
    if board.crowd_done.is_set():
        board.admit([HEALTHY])


def until_said(board, words: str) -> str:
    """Let people come until the console has `words`; return that line."""
    until(lambda: any(words in line for line in board.console) or comes(board))
    return board.wait_console(words, ANSWER_S)


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_a_film_over_the_lens_is_found_by_those_who_stand_behind_it(board, share: float):
    with board.world.lock:
        board.sensor.film = share
    board.start()
    line = until_said(board, "sensor fault:")
    assert "faces too cold" in line
    board.wait_light("amber", ANSWER_S)
    assert "normal" not in {reading["verdict"] for reading in readings(board)}
    board.wait_crowd(ANSWER_S)
    with board.world.lock:
        board.sensor.film = 1.0
    until_said(board, "sensor back")
    until(lambda: board.visits[-1].answer == "green" or comes(board))


def test_an_empty_hall_is_no_covered_lens(tmp_path):
    files = {"settings.json": settings(), "ca.der": authority_der()}
    with kiosk(tmp_path / "flash", files, speed=20.0) as board:
        board.start()
        until(lambda: board.world.now_ms > 300_000)
        assert not [line for line in board.console if "fault" in line]


def test_a_capped_lens_is_reported_at_hours_in_which_people_usually_come(tmp_path):
    files = {"settings.json": settings(), "ca.der": authority_der()}
    board = kiosk(tmp_path / "flash", files, utc=time.time, speed=20.0)
    # 250 people an hour, at whatever hour this test runs.
    SafeFile(str(board.flash_dir / "usual")).write("fa" * 48)
    with board:
        board.sensor.film = 0.0
        board.start()
        board.wait_console("nobody as usual", 2 * ANSWER_S)
        assert board.light() is None  # no amber: it may be a holiday


def test_while_the_lens_is_covered_the_fault_stays_shown_and_the_connection_comes_back(
    site, tmp_path
):
    files = site.board_files("north-1", wifi_ssid="campus", wifi_password="long enough")
    hasty = Habits(patience_ms=2500, tries=1, gap_ms=1500)
    with kiosk(tmp_path / "flash", files, habits=hasty) as board:
        shows = "        self._shows = lambda: self.fault(key)\n"
        changed(board, "kiosk/panel.py", (shows, shows + '        print("shows", key)\n'))
        with board.world.lock:
            board.sensor.film = 0.5  # faces are seen, but each person is told to come nearer
        board.start()
        until_said(board, "sensor fault:")
        board.wait_crowd(ANSWER_S)

        def last():
            lines = [line for line in board.console if line.startswith(("shows", "reading"))]
            return lines[-1]

        until(lambda: last() == "shows lens")  # the fault, not the last person's answer
        start = len(board.console)
        board.wifi(on=False)
        board.wait_console("link down", ANSWER_S, start=start)
        board.wifi(on=True)
        board.wait_console("link up", ANSWER_S, start=start)
        assert board.boots == 1


def test_who_stays_and_is_still_not_seen_is_asked_whether_the_kiosk_is_too_high(tmp_path):
    files = {"settings.json": settings(), "ca.der": authority_der()}
    habits = Habits(tries=3)
    with kiosk(tmp_path / "flash", files, habits=habits) as board:
        statement = "            self._say(reason)\n"
        changed(
            board, "kiosk/panel.py", (statement, statement + '            print("asks", reason)\n')
        )
        board.sensor.film = 0.5  # like hair or a collar: warmer than the wall, too cold for skin
        board.admit([HEALTHY])
        board.start()
        assert board.wait_console("asks", ANSWER_S).endswith("asks far")
        assert board.wait_console("asks low", ANSWER_S)
        assert {reading["reason"] for reading in readings(board)} == {"far"}
