"""A stored day is judged again, under the same settings or others."""

import json

import pytest
from click.testing import CliRunner
from samples import AT, arrived, health

from fevergate.cli import cli
from fevergate.protocol.messages import Applied, CalibrationRecord
from fevergate.provision import provision
from fevergate.reports.rescreen import Rescreened, Rules, rescreen
from fevergate.storage.connection import open_reader
from fevergate.storage.records import HealthArrived, ReadingArrived, SettingsApplied
from fevergate.storage.store import Store
from kiosk.baseline import Baseline
from kiosk.calibration import Calibration
from kiosk.estimate import SITES, through_emissivity
from kiosk.screening import Screening

ROOM_C = 23.2


class Day:
    """The readings that a kiosk would have stored, judged by the kiosk's own code."""

    def __init__(self, folder, **options):
        provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
        self.settings_path = folder / "gateway.toml"
        self.store = Store(folder / "fevergate.db")
        self.kiosk = Screening(SITES["canthus"], **options)
        self.unit = Calibration()
        self.now_ms = 0
        self.seq = 0
        self.store.commit([HealthArrived(health(site="canthus"), AT, "north")])

    def scan(self, object_c, quality="", after_ms=20_000, stayed=False):
        self.now_ms += after_ms
        for result in filter(None, [self.kiosk.overdue(self.now_ms - 800)]):
            self._keep(result)
        air_c = self.unit.air_c(ROOM_C)
        skin_c = through_emissivity(self.unit.object_c(object_c), air_c)
        scan = (object_c, ROOM_C)
        for result in self.kiosk.judge(self.now_ms, skin_c, air_c, quality, stayed, scan):
            self._keep(result)

    def _keep(self, result):
        self.seq += 1
        reading = arrived(
            self.seq,
            result.verdict,
            at=AT + self.now_ms / 1000,
            up_ms=self.now_ms,
            reason=result.reason,
            object_c=result.scan[0],
            ambient_c=result.scan[1],
            skin_c=round(result.skin_c, 2),
            body_c=round(result.body_c, 2),
            baseline_c=round(result.baseline_c, 2),
            threshold_c=self.kiosk.alarm_c,
            scan_ms=800,
        ).reading
        self.store.commit([ReadingArrived(reading, AT + self.now_ms / 1000, "north")])

    def rescreened(self, **rules):
        reader = open_reader(self.store.path)
        try:
            return rescreen(reader, AT, AT + 86400, Rules(**rules))
        finally:
            reader.close()

    def run(self, *arguments):
        options = ("--settings", str(self.settings_path))
        return CliRunner().invoke(
            cli, ["log", "--rescreen", "--date", "2026-11-23", *options, *arguments]
        )


@pytest.fixture
def day(tmp_path):
    day = Day(tmp_path / "site")
    yield day
    day.store.close()


def morning(day):
    """Scans of everything that can happen at a gate, none of them close to a limit."""
    for number in range(30):
        day.scan(35.2 + number % 5 / 10)
    day.scan(37.0)
    day.scan(37.1, after_ms=3000)  # confirmed
    day.scan(36.9)  # this person does not come back
    day.scan(35.3)
    day.scan(36.3)
    assert day.kiosk.pending
    day.scan(36.05, after_ms=3000)  # cleared
    assert not day.kiosk.pending
    day.scan(37.2)
    day.scan(35.2, after_ms=2500)  # somebody else
    day.scan(38.0)
    day.scan(35.4, after_ms=2500, stayed=True)  # the same person, plainly healthy
    day.scan(33.9)
    day.scan(34.6, after_ms=2300, stayed=True)  # the same person, still cold
    day.scan(35.2, "moving")
    day.scan(50.0)
    day.scan(37.0)


def test_under_the_settings_in_force_nothing_changes(day):
    morning(day)
    day.scan(35.3)  # the person before did not come back
    result = day.rescreened()
    assert result.changed == []
    assert result.before == result.after
    assert result.before["fever"] == 4 and result.before["retry"] >= 6
    assert result.scans == day.seq - 3  # alarms for people who did not come back are no scans


def test_a_lower_threshold_finds_more_and_a_higher_one_less(day):
    morning(day)
    lower, higher = day.rescreened(threshold_c=36.3), day.rescreened(threshold_c=38.5)
    assert lower.after["fever"] > lower.before["fever"]
    assert higher.after.get("fever", 0) < higher.before["fever"]
    person = next(person for person in higher.changed if person.seq == 31)
    assert person.before == [("retry", "confirm")] and person.after == [("normal", "")]


def test_without_confirmation_a_positive_alarms_at_once(day):
    morning(day)
    result = day.rescreened(confirm_scans=0)
    assert ("retry", "confirm") not in [
        answer for person in result.changed for answer in person.after
    ]
    assert result.after["fever"] == 7


def test_another_site_is_another_estimate(day):
    morning(day)
    assert day.rescreened(site="forehead").after["fever"] > 20


def test_the_crowds_baseline_is_taken_as_it_was_or_not_at_all(tmp_path):
    day = Day(tmp_path / "site", baseline=Baseline(0.6, fixed=True))
    for _ in range(5):
        day.scan(36.4)
    assert day.rescreened().changed == []
    assert day.rescreened(baseline="off").after["fever"] > 0
    day.store.close()


def test_a_calibration_counts_from_when_it_was_in_force(day):
    day.scan(35.3)
    record = CalibrationRecord(
        sensor="0011223344556677",
        at=AT,
        by="Li",
        method="one-point",
        offset_c=1.0,
        uncertainty_c=0.1,
    )
    day.store.commit(
        [
            SettingsApplied(
                Applied(kiosk="north-1", calibration=record), AT + day.now_ms / 1000 + 1, "north"
            )
        ]
    )
    day.unit = Calibration(record.sensor, 1.0)
    day.scan(34.3)
    day.scan(34.3)
    assert day.rescreened().changed == []


def test_a_reboot_forgets_nobody(day):
    day.scan(37.0)
    day.store.commit(
        [arrived(1, "normal", boot=2, up_ms=500, object_c=35.3, ambient_c=ROOM_C, at=AT + 60)]
    )
    result = day.rescreened()
    assert [person.after for person in result.changed] == [
        [("retry", "confirm"), ("fever", "unconfirmed")]
    ]


def test_the_command_shows_it_in_both_languages_and_as_json(day):
    morning(day)
    for language, word in (("zh", "重新判定"), ("en", "decided again")):
        done = day.run("--threshold", "36.3", "--language", language)
        assert done.exit_code == 0 and word in done.output
    document = json.loads(day.run("--threshold", "36.3", "--format", "json").output)
    assert document["changed"] and set(document) == set(Rescreened.__struct_fields__)


def test_the_options_of_a_rescreen_need_rescreen(day):
    done = CliRunner().invoke(
        cli, ["log", "--threshold", "37", "--settings", str(day.settings_path)]
    )
    assert done.exit_code == 2 and "--rescreen" in done.output
    assert day.run("--format", "csv").exit_code == 2
