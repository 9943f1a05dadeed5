"""The shipped firmware without a network: people are answered all the same."""

import shutil
from statistics import fmean
from typing import Any

import pytest
from kiosk_helpers import (
    ANSWER_S,
    FEVERISH,
    FROM_THE_COLD,
    HEALTHY,
    authority_der,
    changed,
    kiosk,
    readings,
    settings,
    settled,
    until,
)

from fevergate.evaluation.people_file import Person
from kiosk import record
from kiosk.outbox import Outbox
from kiosk.safe_file import SafeFile
from simulator import Fault, Habits, View
from simulator.frames import ResetCause


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Settings, and an authority's certificate that is never used, since there is no network."""
    return {"settings.json": settings(), "ca.der": authority_der()}


@pytest.fixture
def board(tmp_path, files):
    board = kiosk(tmp_path / "flash", files)
    yield board
    board.stop()


def kept(board) -> list[dict[str, Any]]:
    """The readings on the board's flash, as a kiosk that starts on it would find them."""
    folder = board.flash_dir.parent / "outbox-copy"
    shutil.copytree(board.flash_dir / "outbox", folder)
    outbox = Outbox(str(folder))
    entries = []
    while waiting := outbox.waiting([entry[:2] for entry in entries]):
        entries.append(waiting)
    shutil.rmtree(folder)
    about = {"v": 1, "kiosk": board.name}
    return [record.unpack(data) | about | {"boot": boot} for boot, _, data in sorted(entries)]


def lit_pixels(board) -> int:
    return sum(pixel for row in board.display.rows() for pixel in row)


def served(board, *people):
    """Let people come, wait until they have left, and return their visits."""
    before = len(board.visits)
    board.admit(people)
    if not board.running:
        board.start()
    board.wait_crowd(ANSWER_S)
    return board.visits[before:]


def test_a_healthy_person_gets_green(board):
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"
    (reading,) = readings(board)
    assert reading["verdict"] == "normal"
    assert abs(reading["skin_c"] - 35.6) < 0.3
    assert reading["object_c"] < reading["skin_c"]  # emissivity is corrected


def test_the_offset_of_the_supply_voltage_is_subtracted_from_each_reading(tmp_path, files):
    object_c = {}
    for supply_v in (3.0, 3.6):
        own = files | {"settings.json": settings(supply_v=supply_v)}
        with kiosk(tmp_path / str(supply_v), own) as board:
            served(board, *[HEALTHY] * 6)
            object_c[supply_v] = fmean(reading["object_c"] for reading in readings(board))
    assert object_c[3.0] - object_c[3.6] == pytest.approx(0.36, abs=0.25)  # noise included


def test_a_feverish_person_gets_red_and_is_heard(board):
    (visit,) = served(board, FEVERISH)
    assert visit.colours == ("amber", "red")  # amber asks the person to confirm
    assert {2700, 2100} <= {tone.frequency_hz for tone in board.beeps if tone.duty_u16}
    first, second = readings(board)
    assert (first["verdict"], first["reason"]) == ("retry", "confirm")
    assert second["verdict"] == "fever"


def test_a_feverish_person_who_walks_on_is_alarmed_for_all_the_same(tmp_path, files):
    with kiosk(tmp_path / "flash", files, habits=Habits(tries=1)) as board:
        (visit,) = served(board, FEVERISH)
        assert visit.colours == ("amber",)
        board.wait_light("red", ANSWER_S)
        until(lambda: len(readings(board)) == 2)
        first, alarm = readings(board)
    assert (alarm["verdict"], alarm["reason"]) == ("fever", "unconfirmed")
    assert alarm["skin_c"] == first["skin_c"]


def test_a_power_cut_does_not_drop_a_positive_who_was_to_come_again(tmp_path, files):
    with kiosk(tmp_path / "flash", files, habits=Habits(tries=1)) as board:
        never_alone = ("CONFIRM_MS = 7000", "CONFIRM_MS = 3_600_000")
        # So late that no slow machine raises the unconfirmed fever before the power cut.
        changed(board, "kiosk/screening.py", never_alone)
        served(board, FEVERISH)
        until(lambda: SafeFile(str(board.flash_dir / "crowd")).read())
        board.power_cut()
        assert "fever" not in [reading["verdict"] for reading in readings(board)]
        board.start()
        board.wait_light("red", ANSWER_S)
        until(lambda: readings(board)[-1]["verdict"] == "fever")


def test_a_person_from_a_winter_street_is_never_waved_through(board):
    (visit,) = served(board, FROM_THE_COLD)
    assert set(visit.colours) == {"amber"} and visit.tries == 3
    assert {reading["reason"] for reading in readings(board)} == {"cold"}


def test_the_display_invites_then_answers_then_invites(board):
    board.start()
    until(lambda: lit_pixels(board) > 200)
    invitation = settled(board)
    pictures = set()
    board.admit([HEALTHY])
    until(lambda: pictures.add(board.display.to_text()) or len(pictures) > 1)
    until(lambda: board.visits and settled(board) == invitation)


@pytest.mark.parametrize("bad", [None, b"damaged"], ids=["missing", "damaged"])
def test_without_its_characters_a_kiosk_shows_boxes_and_answers_all_the_same(tmp_path, files, bad):
    board = kiosk(tmp_path / "boxes", files | {"glyphs.bin": bad or b""})
    if bad is None:
        (board.flash_dir / "glyphs.bin").unlink()
    with board:
        board.start()
        until(lambda: lit_pixels(board) == 8 * 4 * 31)  # outlines of 8 boxes of 32 by 32 pixels
        assert [visit.answer for visit in served(board, HEALTHY, FEVERISH)] == ["green", "red"]


def test_every_reading_is_on_flash_before_anybody_has_heard_it(board):
    served(board, HEALTHY, FEVERISH, HEALTHY)
    stored = kept(board)
    assert stored == readings(board) and len(stored) == 4  # the feverish person was measured twice


def test_a_power_cut_keeps_what_was_measured_and_counts_the_boot(board):
    served(board, HEALTHY)
    board.power_cut()
    served(board, FEVERISH)
    first, second, third = readings(board)
    assert second["boot"] == third["boot"] == first["boot"] + 1
    assert (first["seq"], second["seq"], third["seq"]) == (1, 1, 2)
    assert kept(board) == [first, second, third]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.NAK,
        Fault.WRONG_PEC,
        Fault.STUCK_BUS,
        Fault.ALL_ONES,
        Fault.OUT_OF_RANGE,
        Fault.ERROR_BIT,
        Fault.FROZEN,
    ],
)
def test_a_broken_sensor_shows_amber_and_words_never_passes_anybody_and_recovers(board, fault):
    (visit,) = served(board, HEALTHY)
    # The value must freeze while nobody is there: frozen as a face leaves, it would be scanned.
    until(lambda: board.world.now_ms > visit.left_ms + 2000)
    with board.world.lock:
        board.sensor.fail(fault)
    board.wait_console("sensor fault", ANSWER_S)
    board.wait_light("amber", ANSWER_S)
    with board.world.lock:
        board.sensor.heal()
    board.wait_console("sensor back", ANSWER_S)
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"
    assert {reading["verdict"] for reading in readings(board)} == {"normal"}


def test_sun_in_the_view_shows_amber_and_words_never_passes_anybody_and_ends(board):
    served(board, HEALTHY)
    with board.world.lock:
        crowd = board.sensor.scene
        board.sensor.scene = lambda _: View(70.0, 22.0)
    board.wait_console("sensor fault", ANSWER_S)
    board.wait_light("amber", ANSWER_S)
    assert {reading["verdict"] for reading in readings(board)[1:]} == {"retry"}
    count = len(readings(board))
    with board.world.lock:
        board.sensor.scene = crowd
    board.wait_console("sensor back", ANSWER_S)
    assert len(readings(board)) == count < 15
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"


def test_a_board_that_hangs_is_started_anew_by_its_watchdog_and_says_so(board, tmp_path):
    dark = "    def dark(self):"
    changed(board, "kiosk/panel.py", (dark, dark + "\n        while 1: pass"))
    board.admit([HEALTHY])
    board.start()
    until(lambda: board.boots == 2)
    assert board.last_reset is ResetCause.WATCHDOG


def test_a_few_wrong_checksums_are_read_again_and_nobody_notices(board):
    with board.world.lock:
        board.sensor.fail(Fault.WRONG_PEC, count=2)
    (visit,) = served(board, HEALTHY)
    assert visit.answer == "green"


def test_a_kiosk_without_a_clock_screens_and_leaves_the_date_open(tmp_path, files):
    board = kiosk(tmp_path / "unset", files, clock_set=False, people=[HEALTHY])
    with board:
        board.start()
        board.wait_crowd(ANSWER_S)
        (reading,) = readings(board)
    assert reading["at"] is None and reading["up_ms"] > 0


def test_wrong_settings_are_named_on_the_console(tmp_path, files):
    board = kiosk(tmp_path / "wrong", files | {"settings.json": settings(site="ear")})
    with board:
        board.start()
        line = board.wait_console("no settings", ANSWER_S)
    assert "/settings.json: site: expected one of canthus" in line


def test_a_dirty_lens_is_a_fault_in_words_until_a_face_reads_as_skin(tmp_path, files):
    behind_tape = Person("behind tape", (28.6, 28.6, 28.6, 28.6), 22.0)
    with kiosk(tmp_path / "flash", files, habits=Habits(tries=4)) as board:
        visits = served(board, *[behind_tape] * 6)
        assert not {"green", "red"} & {colour for visit in visits for colour in visit.colours}
        board.wait_console("sensor fault:", ANSWER_S)
        assert "faces too cold" in next(line for line in board.console if "fault:" in line)
        assert board.light() == "amber"
        (visit,) = served(board, HEALTHY)
        assert visit.answer == "green"
        board.wait_console("sensor back", ANSWER_S)


def test_a_fever_that_cannot_be_shown_is_lit_and_told_all_the_same(board):
    statement = "        self._display.message(head, tail, body_c, sign)\n"
    fails = '        if sign == "warning":\n            raise MemoryError\n'
    changed(board, "kiosk/panel.py", (statement, fails + statement))
    board.admit([FEVERISH])
    board.start()
    board.wait_crowd(ANSWER_S)
    assert board.visits[-1].answer == "red"
    assert readings(board)[-1]["verdict"] == "fever"
