"""A guard at the desk: a second look at somebody whom a kiosk stopped."""

import io
import json
import time

import pytest
from desk_helpers import ROOM_C, SETTINGS, AtTheDesk
from rich.console import Console
from samples import arrived

from fevergate.desk import command, terminal
from fevergate.desk.scan import Look
from fevergate.errors import DeskError, NothingFoundError
from fevergate.storage.store import Store
from kiosk import screening
from simulator.faults import Fault
from simulator.physics import View


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return AtTheDesk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("skin_c", "verdict", "reason"),
    [
        (35.6, "normal", ""),
        (37.4, "fever", ""),
        (29.0, "retry", "far"),
        (33.0, "retry", "cold"),
        (45.0, "retry", "hot"),
    ],
)
def test_a_look_decides_as_the_kiosk_would(desk, skin_c, verdict, reason):
    desk.person(skin_c)
    look = desk.look()
    assert (look["verdict"], look["reason"]) == (verdict, reason)
    assert look["skin_c"] == pytest.approx(skin_c, abs=0.4)
    assert look["body_c"] - look["skin_c"] == pytest.approx(1.0, abs=0.3)
    assert look["samples"] > 3 and look["sensor"] == "2a115c420f903d07"


def test_whoever_leaves_at_once_gets_no_verdict_of_normal(desk):
    desk.person(35.6, for_s=0.4)
    assert desk.look()["reason"] in ("short", "far")


def test_the_guard_is_shown_large_digits_the_answer_and_who_decides(desk):
    desk.person(37.6)
    result = desk.run("--count", "1")
    assert result.exit_code == 0, result.output
    assert (
        "At or above 37.3 °C" in result.output and "clinical thermometer decides" in result.output
    )
    assert "██████" in result.output and "axillary equivalent" in result.output
    assert "wrong checksums 0" in result.output and "never calibrated" in result.output
    assert "not checked within a day" in result.output


def test_no_measurement_shows_no_body_temperature(desk):
    desk.person(33.0)
    result = desk.run("--count", "1", "--by", "Li")
    assert "No answer: cold skin" in result.output and "body" not in result.output.split("ends)")[1]
    assert "body" not in desk.run("history").output and "No answer" in desk.run("history").output


def look_of(body_c, verdict):
    values = {"sensor": "x", "site": "canthus", "calibrated": True, "checked": True, "reason": ""}
    values |= {"object_c": 36.0, "can_c": 22.0, "skin_c": 36.1, "samples": 9, "scan_ms": 800}
    values |= {"pec_errors": 0, "bus_errors": 0, "threshold_c": 37.3, "verdict": verdict}
    return Look(**values, body_c=body_c)


@pytest.mark.parametrize(
    ("body_c", "verdict", "digits"),
    [(37.28, "normal", "37.2"), (37.3, "fever", "37.3"), (36.66, "normal", "36.7")],
)
def test_the_digits_never_contradict_the_answer(body_c, verdict, digits):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(terminal.looked(look_of(body_c, verdict), "en"))
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert all(line.rstrip() in lines for line in terminal.big(digits).splitlines())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_is_ever_called_healthy(desk, language):
    desk.person(35.6)
    result = desk.run("--count", "1", "--language", language)
    output = result.output.lower()
    assert ("低于阈值 37.3" if language == "zh" else "below 37.3") in output
    assert not [word for word in ("healthy", "normal", "健康", "正常", "无发热") if word in output]


def test_every_verdict_reason_and_state_has_words():
    reasons = {screening.SHORT, screening.MOVING, screening.FAR, screening.COLD, screening.HOT}
    assert set(terminal.REASONS) == reasons | {screening.WAIT, screening.ROOM}
    assert set(terminal.ANSWERS) == {screening.FEVER, screening.NORMAL}
    assert set(terminal.STATES) == {"waiting", "scanning", "hot"}


def test_digits_are_five_lines_that_tell_each_figure_from_the_others():
    drawn = {figure: terminal.big(figure) for figure in "0123456789"}
    assert len(set(drawn.values())) == 10
    assert all(len(text.splitlines()) == 5 for text in drawn.values())
    assert max(map(len, terminal.big("37.5").splitlines())) < 40


def test_looks_go_on_until_q_or_the_end_of_the_keys(desk):
    for number in range(3):
        desk.person(35.6, from_s=1.0 + 6 * number)
    result = desk.run(keys="\n\nq\n")
    assert result.exit_code == 0 and result.output.count("Below 37.3") == 2
    assert desk.run(keys="").exit_code == 0


def test_nobody_in_front_is_said_and_is_exit_1_for_a_program(desk):
    result = desk.run("look", "--json")
    assert result.exit_code == 1 and result.stdout == "" and "nobody was seen" in result.stderr
    assert "nobody was seen" in desk.run(keys="\n").output


def test_watch_answers_everybody_who_comes(desk):
    desk.person(35.6, from_s=1.0)
    desk.person(37.6, from_s=8.0)
    result = desk.run("--watch", "--count", "2")
    assert result.exit_code == 0, result.output
    assert result.output.index("Below 37.3") < result.output.index("At or above 37.3")


def test_watch_says_a_fault_once_and_goes_on_when_the_sensor_is_back(desk):
    desk.person(35.6, from_s=12.0)
    start_s = desk.kernel.time.now_s
    broken = False

    def scene(now_ms, before=desk.part.scene):
        nonlocal broken
        if not broken and now_ms > start_s * 1000 + 2000:
            broken = True
            desk.part.fail(Fault.NAK, duration_ms=5000)
        return before(now_ms)

    desk.part.scene = scene
    result = desk.run("--watch", "--count", "1")
    assert result.exit_code == 0 and "Below 37.3" in result.stdout
    assert result.stderr.count("the sensor does not answer") == 1
    assert desk.kernel.opened == 0


def test_a_second_look_is_no_milder_than_the_strictest_kiosk(desk):
    store = Store(desk.folder / "fevergate.db")
    store.commit([arrived(1, threshold_c=37.0), arrived(2, kiosk="north-2", threshold_c=37.3)])
    store.close()
    desk.person(35.6)
    assert desk.look()["threshold_c"] == 37.0
    desk.person(35.6)
    assert desk.look("--threshold", "37.4")["threshold_c"] == 37.4


def test_a_look_without_a_name_is_not_kept_and_needs_no_database(desk):
    desk.person(35.6)
    desk.look()
    assert not (desk.folder / "desk.db").exists()
    desk.person(37.6)
    look = desk.look("--by", "李伟", "--why", "红灯")
    (row,) = desk.kept("looks")
    assert (row["by"], row["why"], row["verdict"]) == ("李伟", "红灯", "fever")
    assert all(row[name] == look[name] for name in ("object_c", "body_c", "sensor", "samples"))
    assert (desk.folder / "desk.db").stat().st_mode & 0o077 == 0
    assert "李伟" in desk.run("history").output
    assert json.loads(desk.run("history", "--json").output)["looks"][0]["by"] == "李伟"


def test_a_look_at_the_person_of_a_fever_is_noted_to_that_fever(desk):
    store = Store(desk.folder / "fevergate.db")
    store.commit([arrived(7, "fever")])
    store.db.execute("update fevers set raised_at = ?", (time.time(),))
    store.close()
    desk.person(37.6)
    desk.look("--by", "Li", "--fever", "north-1")
    (row,) = desk.kept("looks")
    assert (row["kiosk"], row["boot"], row["seq"]) == ("north-1", 1, 7)
    assert "north-1" in desk.run("history").output
    desk.person(37.6)
    assert desk.run("--by", "Li", "--fever", "north-1", keys="\n\n").output.count("noted") == 1


def test_a_look_is_refused_for_a_kiosk_without_a_recent_fever(desk):
    for kiosk, message in (("north-2", "no fever within"), ("south-9", "expected one of north-1")):
        result = desk.run("--fever", kiosk, "--by", "Li")
        assert isinstance(result.exception, NothingFoundError) and message in str(result.exception)
    assert "expected --by" in desk.run("--fever", "north-1").output


def test_a_frozen_part_gives_no_answer_although_its_value_is_plausible(desk):
    desk.before(View(35.6, ROOM_C))
    desk.kernel.time.sleep(5)
    desk.part.advance(desk.kernel.time.now_ms)
    desk.part.fail(Fault.FROZEN)
    result = desk.run("look", "--json")
    assert isinstance(result.exception, DeskError) and "the same again" in str(result.exception)
    assert result.stdout == ""


def test_a_part_that_froze_after_a_look_gives_no_answer_at_the_next(desk):
    desk.before(View(35.6, ROOM_C))
    freezing = iter([False, True])

    def enter(language, real=command._enter):
        if next(freezing):
            desk.kernel.time.sleep(5)
            desk.part.advance(desk.kernel.time.now_ms)
            desk.part.fail(Fault.FROZEN)
        return real(language)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(command, "_enter", enter)
        result = desk.run(keys="\n\n")
    assert result.output.count("Below 37.3") == 1
    assert isinstance(result.exception, DeskError) and "the same again" in str(result.exception)


def test_watching_a_frozen_part_answers_nobody(desk):
    desk.before(View(35.6, ROOM_C))
    desk.kernel.time.sleep(5)
    desk.part.advance(desk.kernel.time.now_ms)
    desk.part.fail(Fault.FROZEN, duration_ms=60_000)
    desk.kernel.time.sleep(0.1)
    result = desk.run("--watch", "--count", "1")
    assert "the same again" in result.stderr and "Below 37.3" in result.stdout
    assert desk.kernel.time.now_s > 60  # only after the part had recovered


def test_a_part_that_sends_nothing_believable_gives_no_answer(desk):
    desk.person(35.6)
    for fault in (Fault.ERROR_BIT, Fault.OUT_OF_RANGE):
        desk.part.fail(fault)
        result = desk.run("look", "--json")
        assert isinstance(result.exception, DeskError) and "no temperature" in str(result.exception)
        assert result.stdout == ""
        desk.part.heal()


def test_some_wrong_checksums_are_read_again_and_shown(desk):
    desk.person(35.6)
    desk.part.fail(Fault.WRONG_PEC, count=2)
    look = desk.look()
    assert look["verdict"] == "normal" and look["pec_errors"] == 2


def test_a_supply_above_three_volts_is_taken_off_what_the_part_reads(desk):
    desk.toml.write_text(SETTINGS.replace("3.0", "3.3"))
    desk.part.noise_c = 0.03
    desk.person(35.6)
    higher = desk.look()["object_c"]
    desk.toml.write_text(SETTINGS)
    desk.person(35.6)
    assert desk.look()["object_c"] - higher == pytest.approx(0.18, abs=0.1)
