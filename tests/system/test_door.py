"""The door's own line: its rising edge opens the door, and only a normal reading causes one."""

import pytest
from kiosk_helpers import (
    ANSWER_S,
    FEVERISH,
    FROM_THE_COLD,
    HEALTHY,
    authority_der,
    kiosk,
    settings,
    until,
)

from simulator import Fault
from simulator.frames import ResetCause


@pytest.fixture
def board(tmp_path):
    files = {"settings.json": settings(), "ca.der": authority_der()}
    board = kiosk(tmp_path / "flash", files)
    yield board
    board.stop()


def rises(board, name="door"):
    """Simulated times (ms) at which a line went high."""
    number = getattr(board.pins, name)
    return [change.sim_ms for change in board.pin_history if change.pin == number and change.level]


def served(board, *people):
    before = len(board.visits)
    board.admit(people)
    if not board.running:
        board.start()
    board.wait_crowd(ANSWER_S)
    return [visit.answer for visit in board.visits[before:]]


def test_the_door_opens_for_each_normal_and_for_nobody_else(board):
    answers = served(board, FEVERISH, HEALTHY, FROM_THE_COLD, HEALTHY)
    until(lambda: len(rises(board)) == len(rises(board, "green")))
    assert answers.count("green") == 2 and "red" in answers
    assert len(rises(board)) == 2 and len(rises(board)) == len(rises(board, "green"))
    # The door opens with green, never with another colour: `high` has the lines that were high when
    # the door's line rose.
    high = set()
    for change in board.pin_history:
        if change.pin == board.pins.door and change.level:
            assert board.pins.green in high
            assert not high & {board.pins.amber, board.pins.red}
        (high.add if change.level else high.discard)(change.pin)
    assert (board.pins.door in high) == (board.pins.green in high)


def test_a_boot_a_reset_and_a_power_cut_do_not_open_the_door(board):
    served(board, HEALTHY)
    until(lambda: rises(board))
    opened = len(rises(board))
    assert opened == 1
    board.power_cut()
    board.start()
    served(board, FROM_THE_COLD)
    assert board.boots == 2 and len(rises(board)) == opened
    assert board.last_reset is ResetCause.POWER_ON


def test_a_sensor_that_breaks_does_not_open_the_door(board):
    board.start()
    with board.world.lock:
        board.sensor.fail(Fault.NAK)
    board.wait_light("amber", ANSWER_S)
    assert rises(board) == []
