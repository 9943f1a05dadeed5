"""A bad morning: gateway, broker and kiosks die again and again, and nothing is lost."""

import random
import time

from demonstration.system import System
from simulator import built_in_crowd

HANG_S = 240


def test_whatever_dies_in_whatever_order_nothing_is_lost_doubled_or_dark(tmp_path):
    chance = random.Random(20261123)
    crowd = built_in_crowd(100, 9, fever_share=0.15)
    deaths = []
    with System(tmp_path / "demo", crowd, speed=8) as system:

        def kiosk_power_cut():
            board = chance.choice(system.boards)
            board.power_cut()
            time.sleep(chance.uniform(0, 0.3))
            board.start()

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
