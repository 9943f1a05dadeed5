"""The desk's daily check and its calibration, what `doctor` says of both, and what is kept."""

import json
import re
import sqlite3
import time
from contextlib import closing

import pytest
from desk_helpers import ROOM_C, SETTINGS, AtTheDesk
from simulator_helpers import black_body

from fevergate.backup.gateway import backup, restore
from fevergate.desk import store
from fevergate.errors import CalibrationRefusedError, DeskError, SettingsError
from fevergate.provision import provision
from fevergate.settings.gateway import Desk, load_gateway
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.store import Store
from simulator.faults import Fault


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return AtTheDesk(tmp_path, monkeypatch)


def check(desk, *arguments, keys=""):
    return desk.run("check", "--by", "Li Wei", *arguments, keys=keys)


def test_a_black_body_that_reads_right_passes_and_is_kept(desk):
    desk.before(black_body(37.0, ROOM_C))
    result = check(desk, keys="37.0\n")
    assert result.exit_code == 0, result.output
    assert "passed" in result.output
    desk._plan.clear()
    desk.person(35.6)
    assert desk.look()["checked"] is True
    (row,) = desk.kept("checks")
    assert row["passed"] == 1 and row["by"] == "Li Wei" and row["reference"] == "blackbody"
    assert row["measured_c"] == pytest.approx(37.0, abs=0.1)
    assert "passed" in desk.run("history").output


@pytest.mark.parametrize(
    ("read_c", "advice"), [(36.5, "clean the lens"), (37.5, "warm the sensor")]
)
def test_a_sensor_that_reads_wrong_fails_the_check_and_says_what_to_do(desk, read_c, advice):
    desk.before(black_body(read_c, ROOM_C))
    result = check(desk, "--at", "37.0")
    assert result.exit_code == 1 and "failed" in result.output and advice in result.output
    assert "judge nobody by it" in result.output
    assert desk.kept("checks")[0]["passed"] == 0


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (lambda n: black_body(37.0 if n // 2000 % 2 else 35.0, ROOM_C), "not at rest"),
        (lambda n: black_body(37.0, ROOM_C + n / 20_000), "own temperature moves"),
    ],
)
def test_what_is_not_at_rest_is_no_check_and_nothing_is_kept(desk, view, message):
    desk.part.scene = view
    result = check(desk, "--at", "37.0")
    assert isinstance(result.exception, DeskError) and message in str(result.exception)
    assert desk.kept("checks") == []


def test_a_frozen_part_passes_no_check(desk):
    desk.before(black_body(37.0, ROOM_C))
    desk.kernel.time.sleep(5)
    desk.part.advance(desk.kernel.time.now_ms)
    desk.part.fail(Fault.FROZEN)
    assert "the same again" in str(check(desk, "--at", "37.0").exception)
    assert desk.kept("checks") == []


def test_somebody_beside_a_clinical_thermometer_shows_gross_errors_only(desk):
    desk.person(35.6)
    result = check(desk, "--reference", "oral", "--at", "36.9")
    assert result.exit_code == 0 and "gross errors" in result.output
    desk.person(34.4)
    assert check(desk, "--reference", "axillary", "--at", "36.6").exit_code == 1
    assert [row["passed"] for row in desk.kept("checks")] == [0, 1]


def test_a_reference_that_cannot_be_is_asked_again_or_refused(desk):
    desk.before(black_body(37.0, ROOM_C))
    assert "20 to 45" in check(desk, "--at", "60").output
    assert check(desk, keys="370\n37.0\n").exit_code == 0
    result = check(desk, "--reference", "axillary", "--at", "20")
    assert result.exit_code == 2 and "35 to 41" in result.output
    assert "give the reference's temperature by --at" in check(desk, "--json").output
    assert json.loads(check(desk, "--json", "--at", "37.0").stdout)["passed"] is True


def test_a_calibration_puts_the_sensor_right_for_this_unit_only(desk):
    desk.before(black_body(36.5, ROOM_C))
    assert check(desk, "--at", "37.0").exit_code == 1
    result = desk.run("calibrate", "--by", "李伟", "--room", "21.0", keys="37\n\n\n\nn\ny\n")
    assert result.exit_code == 0 and "in force" in result.output, result.output
    (row,) = desk.kept("calibrations")
    assert row["offset_c"] == pytest.approx(0.5, abs=0.1) and row["by"] == "李伟"
    assert row["can_over_air_c"] == pytest.approx(1.0, abs=0.05)
    assert check(desk, "--at", "37.0").exit_code == 0
    settings = desk.settings
    assert store.calibration_of(settings, settings.desk, row["sensor"]).offset_c > 0.4
    assert store.calibration_of(settings, settings.desk, "ffff5c420f903d07").offset_c == 0.0
    assert "calibrated" in desk.doctor()[-1].text[1]


def test_a_supply_that_was_set_anew_since_the_desks_calibration_is_said(desk):
    desk.before(black_body(37.0, ROOM_C))
    result = desk.run("calibrate", "--by", "Li Wei", keys="37\n\n\n\nn\ny\n")
    assert result.exit_code == 0 and desk.kept("calibrations")[0]["supply_v"] == 3.0
    assert "calibrated" in desk.doctor()[-1].text[1] and desk.doctor()[-1].state == "ok"
    desk.toml.write_text(SETTINGS.replace("supply_v = 3.0", "supply_v = 3.3"))
    finding = desk.doctor()[-1]
    assert finding.state == "warning" and "3.00 V, now 3.30 V is set: -0.18 °C" in finding.text[1]
    assert finding.text[0].startswith("值班台传感器") and "desk calibrate" in finding.advice[1]


def test_a_calibration_without_a_noted_supply_voltage_is_still_read(desk):
    desk.before(black_body(37.0, ROOM_C))
    assert desk.run("calibrate", "--by", "Li", keys="37\n\n\n\nn\ny\n").exit_code == 0
    with closing(sqlite3.connect(desk.folder / "desk.db")) as database, database:
        database.execute("alter table calibrations drop column supply_v")
        database.execute("update calibrations set at = at - 86400")
        database.execute("delete from _sqlite_migrations where name = 'supply_of_calibration'")
    findings = desk.doctor()
    assert [finding.state for finding in findings] == ["ok", "warning", "ok"]
    assert desk.run("calibrate", "--by", "Li", keys="37\n\n\n\nn\ny\n").exit_code == 0
    assert sorted(str(row["supply_v"]) for row in desk.kept("calibrations")) == ["3.0", "None"]


def test_a_calibration_that_no_sensor_can_need_is_refused(desk):
    desk.before(black_body(34.0, ROOM_C))
    result = desk.run("calibrate", "--by", "Li", keys="37\n\n\n\nn\ny\n")
    assert isinstance(result.exception, CalibrationRefusedError)
    assert desk.kept("calibrations") == []


def test_doctor_names_a_check_that_is_missing_old_or_failed(desk):
    def desk_check():
        return next(finding for finding in desk.doctor() if finding.check == "desk check")

    assert desk_check().state == "warning" and "never checked" in desk_check().text[1]
    desk.before(black_body(37.0, ROOM_C))
    check(desk, "--at", "37.0")
    assert desk_check().state == "ok" and "Li Wei" in desk_check().text[1]
    database = sqlite3.connect(desk.folder / "desk.db")
    with database:
        database.execute("update checks set at = at - ?", (DAY_S + 60,))
    assert desk_check().state == "warning" and "more than a day" in desk_check().text[1]
    with database:
        database.execute("update checks set at = at + ?", (3 * DAY_S,))
    assert desk_check().state == "warning"  # dated in the future by a wrong clock
    with database:
        database.execute("update checks set at = ?, sensor = 'another'", (time.time(),))
    assert "never checked" in desk_check().text[1]
    database.close()
    check(desk, "--at", "38.0")
    assert desk_check().state == "failed" and "judge nobody by it" in desk_check().text[1]


def test_doctor_says_what_is_wrong_with_the_sensor_and_still_speaks_of_the_check(desk):
    assert [finding.state for finding in desk.doctor()] == ["ok", "warning", "warning"]
    desk.part.fail(Fault.NAK)
    sensor, checked = desk.doctor()
    assert sensor.state == "failed" and "does not answer" in sensor.text[1]
    assert "never checked" in checked.text[1]


def test_without_a_desk_nothing_is_asked_of_it(desk):
    desk.toml.write_text(SETTINGS.replace("[desk]\nsupply_v = 3.0\n", ""))
    assert desk.doctor() == []
    result = desk.run()
    assert isinstance(result.exception, SettingsError) and "add [desk]" in str(result.exception)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bus = -1", "desk.bus: expected `int` >= 0"),
        ('site = "ear"', "desk.site: invalid enum value 'ear'"),
        ("supply_v = 5.0", "desk.supply_v: expected `float` <= 3.6"),
        ("pin = 2", "desk.pin: unknown key"),
    ],
)
def test_a_desk_that_cannot_be_is_refused_in_one_line(desk, line, message):
    desk.toml.write_text(SETTINGS.replace("supply_v = 3.0", line))
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        load_gateway(desk.toml)


def test_the_desk_that_provision_comments_out_is_valid_when_uncommented(tmp_path):
    gates = {"north": ["north-1"]}
    provision(tmp_path, campus="east", gateway="gw", gates=gates, site="forehead")
    toml = tmp_path / "gateway.toml"
    assert load_gateway(toml).desk is None
    toml.write_text(re.sub(r"^# (\[desk\]|bus = |site = )", r"\1", toml.read_text(), flags=re.M))
    assert load_gateway(toml).desk == Desk(bus=1, site="forehead")


def test_names_of_guards_go_from_looks_by_the_gateways_clock_and_checks_stay(desk):
    settings = desk.settings
    desk.person(35.6)
    desk.look("--by", "Old")
    desk.before(black_body(37.0, ROOM_C))
    check(desk, "--at", "37.0")
    gateway_store = Store(desk.folder / "fevergate.db")
    gateway_store.db.execute(
        "insert into meta values ('housekept_at', ?)", (str(time.time() + 31 * DAY_S),)
    )
    gateway_store.close()
    desk._plan.clear()
    desk.person(35.6)
    desk.look("--by", "New")
    assert [row["by"] for row in desk.kept("looks")] == ["", ""]  # both older than 30 days by then
    assert desk.kept("checks")[0]["by"] == "Li Wei"
    assert settings.retention.persons_days == 30


def test_a_backup_brings_the_desks_records_along(desk, tmp_path):
    desk.before(black_body(37.0, ROOM_C))
    check(desk, "--at", "37.0")
    folder = tmp_path / "site"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    (folder / "desk.db").write_bytes((desk.folder / "desk.db").read_bytes())
    Store(folder / "fevergate.db").close()
    backup(load_gateway(folder / "gateway.toml"), tmp_path / "all.tar.gz")
    restore(tmp_path / "all.tar.gz", tmp_path / "new")
    new_settings = load_gateway(tmp_path / "new/gateway.toml")
    assert store.newest(new_settings, Desk(), "checks", 1)[0]["by"] == "Li Wei"
