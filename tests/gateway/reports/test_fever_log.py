"""The day's fever log is complete, and a report of zero says what was watched."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from samples import arrived, health, reading

from fevergate.cli import cli
from fevergate.errors import NothingFoundError
from fevergate.provision import provision
from fevergate.reports.fever_log import read_day
from fevergate.settings.gateway import load_gateway
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.records import Acknowledged, HealthArrived, ReadingArrived, StatusArrived
from fevergate.storage.store import Store

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()  # noon in Shanghai


class Scene:
    def __init__(self, folder):
        provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1", "north-2"]})
        self.path = folder / "gateway.toml"
        self.settings = load_gateway(self.path)
        self.store = Store(folder / "fevergate.db")

    def day(self, day=DAY):
        reader = open_reader(self.store.path)
        try:
            return read_day(reader, self.settings, day)
        finally:
            reader.close()

    def run(self, *arguments):
        return CliRunner().invoke(cli, ["log", "--settings", str(self.path), *arguments])


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path / "site")
    yield scene
    scene.store.close()


def watched(scene, start, minutes, **fields):
    for minute in range(minutes):
        at = start + 60 * (minute + 1)
        scene.store.commit([HealthArrived(health(at=at, watched_s=60.0, **fields), at, "north")])


def test_a_day_on_which_nobody_watched_is_no_zero(scene):
    day = scene.day()
    assert not day.covered and not day.zero and day.fevers == []
    assert [kiosk.kiosk for kiosk in day.kiosks] == ["north-1", "north-2"]
    assert "这不是零报告" in scene.run("--date", "2026-11-23").output
    english = scene.run("--date", "2026-11-23", "--language", "en").output
    assert "not a report of zero" in english and "Not watched at all: north-1" in english


def test_a_lamp_post_is_listed_only_if_it_measured_as_a_kiosk_before(scene):
    scene.settings.gates[0].posts.append("north-post")
    report = health(kiosk="north-post", at=NOON, watched_s=0.0)
    statuses = [
        StatusArrived("north-post", state, NOON, "north") for state in ("online", "offline")
    ]
    scene.store.commit([HealthArrived(report, NOON, "north"), *statuses])
    assert [kiosk.kiosk for kiosk in scene.day().kiosks] == ["north-1", "north-2"]

    once_a_kiosk = reading(kiosk="north-post", seq=1, at=NOON)
    scene.store.commit([ReadingArrived(once_a_kiosk, NOON, "north")])
    assert [kiosk.kiosk for kiosk in scene.day().kiosks] == ["north-1", "north-2", "north-post"]


def test_a_day_that_is_not_over_says_until_when_there_was_no_fever(scene, monkeypatch):
    watched(scene, NOON, 90)
    monkeypatch.setattr(clock_memory, "now", lambda _: NOON + 4.5 * 3600)
    day = scene.day()
    assert (day.zero, day.clear_until) == (False, NOON + 4.5 * 3600)
    out = scene.run("--date", "2026-11-23").output
    assert "截至 16:30 无发热" in out and "零报告" not in out
    scene.store.commit([arrived(1, "fever", at=NOON + 30)])
    assert scene.day().clear_until is None
    out = scene.run("--date", "2026-11-23", "--language", "en").output
    assert "Fevers on this day: 1." in out and "To follow up: 1." in out


def test_a_day_of_zero_states_zero_and_what_was_watched(scene):
    watched(scene, NOON, 90)
    scene.store.commit([arrived(1, at=NOON + 30)])
    day = scene.day()
    assert day.zero and day.covered
    kiosk = day.kiosks[0]
    assert 90 <= kiosk.watched_minutes <= 92 and kiosk.silences == 0 and kiosk.normal == 1
    assert day.kiosks[1].watched_minutes == 0
    out = scene.run("--date", "2026-11-23").output
    assert "零报告" in out and "12:00:" in out and "13:3" in out and "north-2" in out


def test_a_silence_is_counted(scene):
    watched(scene, NOON, 10)
    watched(scene, NOON + 3600, 10)
    assert scene.day().kiosks[0].silences == 1


def test_the_minutes_of_a_fault_are_counted(scene):
    for minute in range(5):
        at = NOON + 60 * minute
        scene.store.commit(
            [HealthArrived(health(at=at, state="fault", fault="BusError", watched_s=0.0), at, "g")]
        )
    assert scene.day().kiosks[0].fault_minutes == 5
    assert not scene.day().covered


def test_a_kiosk_that_saw_nobody_as_usual_has_watched_nothing_and_is_no_amber(scene):
    for minute in range(60):
        at = NOON + 60 * minute
        blind = health(at=at, state="ok", fault="nobody as usual", watched_s=0.0)
        scene.store.commit([HealthArrived(blind, at, "g")])
    day = scene.day()
    assert day.kiosks[0].fault_minutes == 60 and not day.covered and not day.zero


def test_each_fever_is_listed_with_place_temperatures_and_acknowledger(scene):
    scene.store.commit(
        [
            arrived(1, "fever", at=NOON, skin_c=37.1, body_c=38.1, threshold_c=37.3),
            arrived(2, "fever", at=NOON + 60),
        ]
    )
    raised_at = scene.day().fevers[0].raised_at
    scene.store.commit([Acknowledged((reading(1).identity,), "李伟", raised_at + 42)])
    first, second = scene.day().fevers
    assert (first.gate, first.kiosk, first.body_c) == ("north", "north-1", 38.1)
    assert (first.acknowledged_by, first.delay_s) == ("李伟", 42)
    assert second.acknowledged_by is None and second.delay_s is None
    out = scene.run("--date", "2026-11-23").output
    assert "李伟" in out and " 42.0 " in out and "未确认" in out and "腋温等效" in out
    assert not scene.day().zero


@pytest.mark.parametrize(("seconds", "day"), [(-1, DAY - timedelta(days=1)), (0, DAY)])
def test_a_day_begins_at_midnight_in_the_campuss_zone(scene, seconds, day):
    midnight = datetime(2026, 11, 23, tzinfo=scene.settings.zone).timestamp()
    scene.store.commit([arrived(1, "fever", at=midnight + seconds)])
    assert len(scene.day(day).fevers) == 1
    assert sum(kiosk.fever for kiosk in scene.day(day).kiosks) == 1


def test_an_undated_fever_is_in_the_log_of_its_arrival_and_says_so(scene):
    scene.store.commit([ReadingArrived(reading(1, "fever", at=None), NOON, "north")])
    (fever,) = scene.day().fevers
    assert not fever.dated and fever.at == NOON
    assert ",到达," in scene.run("--date", "2026-11-23", "--format", "csv").output


def test_csv_parses_back_and_no_name_is_a_formula(scene):
    scene.store.commit([arrived(1, "fever", at=NOON)])
    scene.store.commit([Acknowledged((reading(1).identity,), "=HYPERLINK(1)", NOON + 9)])
    out = scene.run("--date", "2026-11-23", "--format", "csv").output
    (row,) = csv.DictReader(io.StringIO(out.removeprefix("\ufeff")))
    assert row["测温机"] == "north-1" and row["时间"] == "2026-11-23 12:00:00"
    assert row["确认人"] == "'=HYPERLINK(1)"


def test_json_has_stable_keys(scene):
    scene.store.commit([arrived(1, "fever", at=NOON)])
    day = json.loads(scene.run("--date", "2026-11-23", "--format", "json").output)
    keys = "date campus timezone covered zero fevers kiosks unlike blind drifted"
    keys += " count lit clock strikes struck clear_until roll"
    assert list(day) == keys.split()
    assert day["fevers"][0]["seq"] == 1 and day["kiosks"][0]["fever"] == 1


def test_another_campus_is_not_here(scene):
    result = scene.run("--campus", "west")
    assert isinstance(result.exception, NothingFoundError)
    assert scene.run("--campus", "east").exit_code == 0


def test_a_wrong_date_says_what_is_expected(scene):
    result = scene.run("--date", "23.11.2026")
    assert result.exit_code == 2 and "YYYY-MM-DD" in result.output


def test_a_kiosk_that_reads_unlike_its_neighbour_is_in_the_log(scene):
    for seq in range(1, 60):
        scene.store.commit(
            [
                arrived(seq, at=NOON + seq, body_c=36.5 + seq % 5 / 10),
                arrived(seq, at=NOON + seq, kiosk="north-2", body_c=35.9 + seq % 5 / 10),
            ]
        )
    day = scene.day()
    assert {kiosk.kiosk for kiosk in day.unlike} == {"north-1", "north-2"}
    assert "请检查镜头" in scene.run("--date", "2026-11-23").output
    english = scene.run("--date", "2026-11-23", "--language", "en").output
    assert "or the other one" in english and "+0.60" in english


def test_a_kiosk_that_saw_nobody_beside_a_busy_one_is_in_the_log(scene):
    for seq in range(1, 101):
        scene.store.commit([arrived(seq, at=NOON + seq)])
        if seq == 99:
            assert scene.day().blind == []
    (kiosk,) = scene.day().blind
    assert (kiosk.kiosk, kiosk.people, kiosk.busiest_people) == ("north-2", 0, 100)
    english = scene.run("--date", "2026-11-23", "--language", "en").output
    assert "north-2 saw 0 people, north-1 100" in english
    scene.store.commit([arrived(seq, at=NOON + seq, kiosk="north-2") for seq in (1, 2)])
    assert scene.day().blind == []


def test_a_drift_is_in_the_log_with_its_hours_and_what_to_do(scene):
    watched(scene, NOON, 30)
    watched(scene, NOON + 3600, 30, drift=True, drift_c=-0.5)
    watched(scene, NOON + 7200, 10, drift=True, drift_c=-0.7)
    watched(scene, NOON + 10800, 30, drift_c=-0.1)
    (drifted,) = scene.day().drifted
    assert (drifted.kiosk, drifted.drift_c) == ("north-1", -0.7)
    assert (drifted.begin, drifted.end) == (NOON + 3600, NOON + 10800)
    in_english = scene.run("--date", DAY.isoformat(), "--language", "en").output
    assert "everybody read -0.7 °C off" in " ".join(in_english.split())
    assert scene.day(DAY + timedelta(days=1)).drifted == []
