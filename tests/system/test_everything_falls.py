"""Gateway, broker and kiosks are killed again and again, and nothing is lost."""

import random
import time
from dataclasses import replace

from kiosk_helpers import FEVERISH, HEALTHY

from harness.system import System
from simulator import Habits, built_in_crowd

HANG_S = 600


def test_whatever_dies_in_whatever_order_nothing_is_lost_doubled_or_dark(tmp_path):
    chance = random.Random(20261123)
    crowd = built_in_crowd(100, 9, fever_share=0.15)
    deaths = []
    with System(tmp_path / "demo", crowd, speed=8) as system:

        def kiosk_power_cut():
            board = chance.choice(system.boards)
            system.cut_power(board, chance.uniform(0, 0.3))

        killers = (system.kill_gateway, system.kill_broker, kiosk_power_cut)
        end = time.monotonic() + HANG_S
        while not all(board.crowd_done.is_set() for board in system.boards):
            assert time.monotonic() < end
            time.sleep(chance.uniform(0.3, 1.5))
            killer = chance.choice(killers)
            deaths.append(killer.__name__)
            killer()
        while not system.settled():
            assert time.monotonic() < end, system.judge().problems
            time.sleep(0.2)
        summary = system.judge()
    assert {"kill_gateway", "kill_broker", "kiosk_power_cut"} <= set(deaths)
    assert summary.readings > 80
    assert summary.lost == summary.duplicated == 0
    assert summary.fevers == summary.red_lights > 5


def test_an_alarm_for_a_person_who_left_needs_no_light_while_the_next_person_is_answered(tmp_path):
    crowd = [FEVERISH, HEALTHY]
    gates = {"north": ["north-1"]}
    with System(
        tmp_path / "demo", crowd, speed=4, gates=gates, habits=Habits(tries=1, gap_ms=300)
    ) as system:
        system.wait_crowd(HANG_S)
        end = time.monotonic() + HANG_S
        while not system.settled() or len(system.shown) < 3:
            assert time.monotonic() < end
            time.sleep(0.1)
        summary = system.judge()
        assert summary.problems == [] and summary.fevers == summary.red_lights == 1
        # A person who stood there and was shown no light is a problem all the same.
        system.shown[:] = [replace(answer, own_light=False) for answer in system.shown]
        assert system.judge().problems


def test_an_answer_missing_on_the_console_after_a_power_cut_is_neither_lost_nor_doubled(tmp_path):
    """The light was lit and the reading was kept, but the power cut took the line of the console
    from which the judge knows the answer."""
    crowd = built_in_crowd(2, 3)
    with System(tmp_path / "demo", crowd, speed=8, gates={"north": ["north-1"]}) as system:
        (board,) = system.boards
        board.wait_crowd(HANG_S)
        end = time.monotonic() + HANG_S
        while not system.settled():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert system.judge().duplicated == 0
        answer = system.shown.pop()
        assert not system.settled()
        system.cut_power(board)
        while not system.settled():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert system.judge().duplicated == system.judge().lost == 0
        system.shown.append(replace(answer, identity=answer.identity._replace(seq=900)))
        summary = system.judge()
    # Each light now belongs to a line of the console, so none explains the stored reading.
    assert (summary.duplicated, summary.lost) == (1, 1)
