"""A kiosk whose bus, sensor or display fails as on a board reports it in words and works on."""

from itertools import groupby
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiosk_helpers import (
    ANSWER_S,
    FEVERISH,
    HEALTHY,
    authority_der,
    kiosk,
    readings,
    settings,
    settled,
    until,
)

from fevergate.evaluation.people_file import Person
from kiosk.scan import Scan
from simulator import Fault
from simulator.sensor import CONFIG1_DCI, IIR_SHARE, REFRESH_TWO_ZONES_MS

# Limits are counted in the kiosk's own transfers, which a busy machine does not make more.
SOON = 30  # transfers with the sensor at most, from a fault to its report, or from its end to work
HANGS = 6  # transfers in a row with a display that hangs, half a second each, at most
A_MINUTE = 2 * 750  # transfers with the sensor in 75 s


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    return {"settings.json": settings(), "ca.der": authority_der()}


@pytest.fixture
def board(tmp_path, files):
    board = kiosk(tmp_path / "flash", files)
    yield board
    board.stop()


@pytest.fixture
def empty(tmp_path, files):
    """A running kiosk to which nobody comes, so that its time can pass faster."""
    board = kiosk(tmp_path / "flash", files, speed=20.0)
    board.start()
    until(lambda: board.world.now_ms > 5000 and board.display.on)
    yield board
    board.stop()


def served(board, *people):
    before = len(board.visits)
    board.admit(people)
    if not board.running:
        board.start()
    board.wait_crowd(ANSWER_S)
    return board.visits[before:]


def amber_ms(board, since_ms: int, level: int) -> int:
    """Wait until amber has taken `level` after `since_ms`; return the simulated time (ms)."""

    def changes():
        return [
            change.sim_ms
            for change in board.pin_history
            if change.pin == board.pins.amber
            and change.level == level
            and change.sim_ms >= since_ms
        ]

    until(changes)
    return changes()[0]


def transfers(board, log: list[tuple[str, float]]) -> None:
    """Log each transfer with sensor or display from now on: the part's name and the time (ms)."""
    for name, part in (("sensor", board.sensor), ("display", board.display)):

        def logged(now_ms, *rest, name=name, transfer=part.transfer):
            log.append((name, now_ms))
            return transfer(now_ms, *rest)

        part.transfer = logged


def arguments(log: list[tuple[str, float]], since_ms: float, until_ms: float) -> int:
    """Number of transfers with the sensor between two times."""
    return sum(name == "sensor" and since_ms <= at <= until_ms for name, at in log)


@pytest.mark.parametrize("fault", [Fault.STUCK_BUS, Fault.HANGS, Fault.NAK])
def test_a_stuck_bus_is_reported_within_seconds_and_stops_nothing(board, fault):
    served(board, HEALTHY)
    log: list[tuple[str, float]] = []
    with board.world.lock:
        board.sensor.fail(fault)
        since_ms = board.world.now_ms
        transfers(board, log)
    board.wait_console("sensor fault", ANSWER_S)
    assert arguments(log, since_ms, amber_ms(board, since_ms, 1)) <= SOON
    # This is longer than the watchdog waits.
    until(lambda: board.world.now_ms > since_ms + 35_000)
    assert board.boots == 1
    with board.world.lock:
        board.sensor.heal()
        healed_ms = board.world.now_ms
    board.wait_console("sensor back", ANSWER_S)
    assert 0 < arguments(log, healed_ms, amber_ms(board, healed_ms, 0)) <= SOON
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"


def test_a_red_answer_stays_where_the_sensor_dies_right_after_it(board):
    transfer = board.sensor.transfer

    def dies(*arguments):
        if board.light() == "red":
            board.sensor.fail(Fault.NAK)
        return transfer(*arguments)

    board.sensor.transfer = dies
    # The second scan confirms the fever; the sensor stops answering as soon as red is lit.
    served(board, FEVERISH, FEVERISH)
    board.wait_console("sensor fault", ANSWER_S)
    board.wait_light("amber", ANSWER_S)
    reds = [change for change in board.pin_history if change.pin == board.pins.red]
    lit, out = reds[-2:]
    assert lit.level and not out.level
    assert out.sim_ms - lit.sim_ms >= 1500


def test_a_part_that_holds_the_wire_once_is_clocked_free_before_anybody_notices(board):
    (visit,) = served(board, HEALTHY)
    # The hall is empty first: the kiosk would take the next person for one it did not see leave.
    until(lambda: board.world.now_ms > visit.left_ms + 2000)
    with board.world.lock:
        board.sensor.fail(Fault.STUCK_BUS, count=9)
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"
    assert not [line for line in board.console if "sensor fault" in line]


@pytest.mark.parametrize("how", ["hangs", "absent"])
def test_people_are_answered_while_the_display_is_broken_and_it_comes_back(board, how):
    served(board, HEALTHY)
    log: list[tuple[str, float]] = []
    with board.world.lock:
        transfers(board, log)
        board.display.hangs = how == "hangs"
        board.display.present = how != "absent"
    visits = served(board, HEALTHY, HEALTHY)
    assert [visit.answer for visit in visits] == ["green", "green"]
    assert board.boots == 1
    with board.world.lock:
        runs = [len(list(run)) for name, run in groupby(log, itemgetter(0)) if name == "display"]
    assert max(runs, default=0) <= HANGS and bool(runs) is (how == "hangs")
    with board.world.lock:
        board.display.present, board.display.hangs = True, False
        board.display.spark()
    until(lambda: board.display.on and any(map(any, board.display.rows())))


def test_a_display_that_a_spark_has_reset_is_lit_again_by_itself(empty):
    picture = settled(empty)
    log: list[tuple[str, float]] = []
    with empty.world.lock:
        empty.display.spark()
        transfers(empty, log)
    until(lambda: empty.display.on and empty.display.to_text() == picture)
    assert [name for name, _ in log].index("display") <= A_MINUTE


@pytest.mark.parametrize(
    ("cell", "value"),
    [(4, 0xF333), (5, CONFIG1_DCI & ~0x7 | 0x3), (5, CONFIG1_DCI & ~0x700 | 0x400)],
    ids=["emissivity", "slow filter", "fewer taps"],
)
def test_a_sensor_with_wrong_settings_is_reported_and_gives_no_verdict(
    tmp_path, files, cell: int, value: int
):
    with kiosk(tmp_path / "flash", files) as board:
        right = board.sensor.eeprom.cells[cell]
        board.sensor.eeprom.cells[cell] = value
        board.start()
        board.wait_console("sensor fault", ANSWER_S)
        assert board.light() == "amber"
        served(board, Person("hot", (38.5,) * 4, 22.0))
        assert readings(board) == []
        assert board.light() == "amber"
        with board.world.lock:
            board.sensor.eeprom.cells[cell] = right
        board.wait_console("sensor back", ANSWER_S)


@pytest.mark.parametrize(("cell", "value"), [(4, 0xF333), (5, 0x97F5)])
def test_a_setting_that_changes_at_work_is_found_within_a_minute(empty, cell: int, value: int):
    with empty.world.lock:
        empty.sensor.eeprom.cells[cell] = value
        since_ms = empty.world.now_ms
        log: list[tuple[str, float]] = []
        transfers(empty, log)
    empty.wait_console("sensor fault", ANSWER_S)
    assert arguments(log, since_ms, amber_ms(empty, since_ms, 1)) <= A_MINUTE


def read_behind_c(share: float, room_c: float, comes_ms: int) -> float:
    """How far (°C) a still face reads below its temperature through a filter of this share."""
    scan, seen_c, refreshed_ms = Scan(), room_c, 0
    for now_ms in range(0, 10_000, 100):
        while refreshed_ms <= now_ms:
            seen_c += share * ((36.0 if refreshed_ms >= comes_ms else room_c) - seen_c)
            refreshed_ms += REFRESH_TWO_ZONES_MS
        result = scan.feed(now_ms, seen_c, room_c)
        if result:
            return 36.0 - result.object_c
    raise AssertionError("nobody was seen")


@given(room_c=st.floats(5, 30), comes_ms=st.integers(3000, 3140))
def test_the_accepted_filter_settings_read_a_face_right(room_c: float, comes_ms: int):
    behind_c = [read_behind_c(share, room_c, comes_ms) for share in IIR_SHARE]
    assert max(behind_c[4:]) < 0.05 < min(behind_c[1:4])
