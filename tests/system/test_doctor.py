"""Doctor finds each thing that is wrong, even beside others, and says what to do."""

import json
import time

from click.testing import CliRunner
from msgspec.structs import replace
from register_helpers import LOAN
from samples import health

from fevergate.cli import cli
from fevergate.operations import doctor_storage
from fevergate.operations.doctor import examine
from fevergate.operations.doctor_posts import posts
from fevergate.protocol.messages import Applied, CalibrationRecord
from fevergate.settings.gateway import CampusServerSettings, KioskTitle, load_gateway
from fevergate.storage.records import HealthArrived, SettingsApplied
from fevergate.storage.store import Store


def states(site):
    return {finding.check: finding.state for finding in examine(site.folder / "gateway.toml")}


def test_a_sound_gateway_on_a_machine_without_pins(site):
    Store(site.folder / "fevergate.db").close()
    assert states(site) == {
        "settings": "ok",
        "broker": "ok",
        "certificates": "ok",
        "secrets": "ok",
        "database": "ok",
        "retention": "ok",
        "calibration": "warning",
        "disk": "ok",
        "pins": "warning",
        "lamps": "warning",
        "clock": "ok",
        "campus": "ok",
        "notices": "warning",
    }


def test_a_kiosk_built_of_modules_is_named_with_the_offset_of_its_supply_voltage(site):
    path = site.folder / "kiosks" / site.settings.kiosks[0] / "settings.json"
    original = path.read_text()
    path.write_text(json.dumps(json.loads(original) | {"supply_v": 3.27}))
    try:
        (finding,) = [f for f in examine(site.folder / "gateway.toml") if f.check == "supply"]
        assert finding.state == "ok" and "3.27 V: +0.16 °C is taken off" in finding.text[1]
        assert f"kiosk {site.settings.kiosks[0]} --supply-v VOLTS" in finding.text[1]
        path.write_text("{")
        (finding,) = [f for f in examine(site.folder / "gateway.toml") if f.check == "supply"]
        assert finding.state == "warning" and str(path) in finding.text[1]
    finally:
        path.write_text(original)


def test_a_dead_broker_and_a_readable_secret_are_both_found(site):
    site.broker.stop()
    (site.folder / "admin.password").chmod(0o644)
    try:
        outcome = states(site)
        assert outcome["broker"] == outcome["secrets"] == "failed"
        assert outcome["certificates"] == "ok"
    finally:
        (site.folder / "admin.password").chmod(0o600)
        site.broker.start()


def test_a_broker_with_an_earlier_versions_settings_is_a_warning(site):
    path = site.folder / "mosquitto.conf"
    text = path.read_text()
    path.write_text(text.replace("use_username_as_clientid true\n", ""))
    try:
        findings = [f for f in examine(site.folder / "gateway.toml") if f.check == "broker"]
        assert [finding.state for finding in findings] == ["ok", "warning"]
        assert "provision gateway" in findings[1].advice[1]
    finally:
        path.write_text(text)


def test_an_earlier_versions_access_list_is_named_with_the_upgrade_command(site):
    path = site.folder / "broker.acl"
    text = path.read_text()
    path.write_text(text.replace("/alarm/", "/light/", 1))
    try:
        findings = [f for f in examine(site.folder / "gateway.toml") if f.check == "broker"]
        assert [finding.state for finding in findings] == ["ok", "warning"]
        assert "access list" in findings[1].text[1]
        assert f"provision upgrade {site.folder}" in findings[1].advice[1]
    finally:
        path.write_text(text)


def test_a_lamp_post_that_is_not_heard_is_called_what_people_call_it(site):
    (gate,) = site.settings.gates
    settings = replace(
        site.settings,
        gates=[replace(gate, posts=["north-post"])],
        kiosk_titles={"north-post": KioskTitle(title="伸缩门灯柱", title_en="Sliding gate's post")},
    )
    Store(site.folder / "fevergate.db").close()
    (finding,) = posts(settings)
    assert finding.state == "warning"
    assert finding.text[0].startswith("伸缩门灯柱：")
    assert finding.text[1].startswith("Sliding gate's post: ")


def test_a_wrong_password_is_the_brokers_finding(site):
    path = site.folder / "gateway.password"
    right = path.read_text()
    path.write_text("wrong\n")
    try:
        (finding,) = [f for f in examine(site.folder / "gateway.toml") if f.check == "broker"]
        assert finding.state == "failed" and "Not authorized" in finding.text[1]
        assert "用户名或密码不被接受" in finding.text[0]
        assert "wrong" not in "".join(finding.text)
    finally:
        path.write_text(right)


def test_a_broken_database_is_found(site):
    path = site.folder / "fevergate.db"
    original = path.read_bytes() if path.exists() else None
    path.write_bytes(b"no database" * 1000)
    try:
        assert states(site)["database"] == "failed"
    finally:
        path.unlink()
        if original:
            path.write_bytes(original)


def test_exit_codes_and_languages(site, tmp_path):
    run = CliRunner().invoke
    sound = ["doctor", "--settings", str(site.folder / "gateway.toml")]
    assert run(cli, sound).exit_code == 0
    assert "证书" in run(cli, sound).output
    assert "verified, signed in" in run(cli, [*sound, "--language", "en"]).output
    findings = json.loads(run(cli, [*sound, "--json"]).output)
    assert {finding["check"] for finding in findings} > {"broker", "pins"}
    assert run(cli, ["doctor", "--settings", str(tmp_path / "none.toml")]).exit_code == 2
    (site.folder / "admin.password").chmod(0o644)
    assert run(cli, sound).exit_code == 1
    (site.folder / "admin.password").chmod(0o600)


def test_a_calibration_that_is_a_year_old_or_of_another_unit_is_due(site):
    path = site.folder / "fevergate.db"
    path.unlink(missing_ok=True)
    store = Store(path)

    def said(kiosk="north-1"):
        return next(
            finding
            for finding in examine(site.folder / "gateway.toml")
            if finding.check == "calibration" and kiosk in finding.text[1]
        )

    def calibrated(days_ago, sensor):
        at = time.time() - days_ago * 86400
        record = CalibrationRecord(
            sensor=sensor, at=at, by="Li Wei", method="people", offset_c=0, uncertainty_c=0.15
        )
        store.commit([SettingsApplied(Applied(kiosk="north-1", calibration=record), at, "north")])

    unit, other = "0011223344556677", "ffff223344556677"
    try:
        now = time.time()
        store.commit([HealthArrived(health(at=now, sensor=unit), now, "north")])
        assert said().text[1].endswith("never calibrated")
        calibrated(10, other)
        assert said().state == "warning"
        calibrated(400, unit)
        assert said().state == "warning" and "due" in said().text[1]
        assert "fevergate calibrate north-1" in said().advice[1]
        calibrated(10, unit)
        assert said().state == "ok" and "Li Wei, ±0.15 °C" in said().text[1]
    finally:
        store.close()
        path.unlink()


def test_a_drift_and_a_reader_of_cards_are_named_with_what_to_do(site):
    path = site.folder / "fevergate.db"
    path.unlink(missing_ok=True)
    store = Store(path)

    def found_of(check):
        return [
            finding for finding in examine(site.folder / "gateway.toml") if finding.check == check
        ]

    try:
        now = time.time()
        store.commit([HealthArrived(health(at=now, drift_c=0.1), now, "north")])
        (steady,) = found_of("drift")
        assert steady.state == "ok" and "north-1" in steady.text[1]
        store.commit([HealthArrived(health(at=now, drift=True, drift_c=-0.6), now, "north")])
        (finding,) = found_of("drift")
        assert finding.state == "warning" and "-0.6 °C" in finding.text[0]
        assert "Frost" in finding.advice[1] and "fevergate calibrate north-1" in finding.advice[1]
        assert not found_of("cards")  # no kiosk reads cards
        for word, state, text in (
            ("ok", "ok", "north-1"),
            ("out", "warning", "north-1: its reader of cards is pulled out"),
            ("noise", "warning", "no card"),
        ):
            report = health(at=now, card="record", reader=word)
            store.commit([HealthArrived(report, now, "north")])
            (finding,) = found_of("cards")
            assert finding.state == state and text in finding.text[1]
    finally:
        store.close()
        path.unlink()


def test_what_the_campus_server_refuses_is_named_in_the_readers_language(site):
    settings = load_gateway(site.folder / "gateway.toml")
    settings.campus_server = CampusServerSettings(url="https://127.0.0.1:1")
    store = Store(settings.path(settings.database))
    store.db.execute(
        "insert into outbox(epoch, key, revision, payload, created_at, refused)"
        " values ('', 'day/x', 1, '{}', 0, '$.items[0].day: expected a day as YYYY-MM-DD'),"
        " ('', 'day/y', 1, '{}', 0, 'another release')"
    )
    store.close()
    (finding,) = doctor_storage.refused(settings)
    assert finding.state == "warning"
    assert (
        "day/x: $.items[0].day: 应为日期，如 2026-12-31; day/y: another release" in finding.text[0]
    )
    assert "$.items[0].day: expected a day as YYYY-MM-DD; day/y: another release" in finding.text[1]


def test_a_mistake_in_a_sites_register_is_told_with_its_line(site):
    path = site.folder / "registers.toml"
    path.write_text(LOAN)
    try:
        assert states(site)["registers"] == "ok"
        path.write_text(LOAN.replace('type = "person"', 'type = "human"'))
        (finding,) = [f for f in examine(site.folder / "gateway.toml") if f.check == "registers"]
        assert finding.state == "failed"
        assert f"{path}: line 11: thermometers.fields.borrower.type: " in finding.text[1]
    finally:
        path.unlink()
