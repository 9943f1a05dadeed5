"""A guard at the desk: looks, the day's check, a calibration, and what doctor says of them."""

import io
import json
import re
import sqlite3
import time

import pytest
from click.testing import CliRunner
from desk_kernel import Kernel
from rich.console import Console
from samples import arrived
from simulator_helpers import black_body

from fevergate.backup import backup, restore
from fevergate.cli import cli
from fevergate.desk import at_work, command, findings, shown, store
from fevergate.desk.looking import Look
from fevergate.desk.sensor import Clock
from fevergate.errors import CalibrationRefusedError, DeskError, NothingFoundError, SettingsError
from fevergate.provision import provision
from fevergate.retention import DAY_S
from fevergate.settings import Desk, load_gateway
from fevergate.store import Store
from kiosk import screening
from simulator.bus import VirtualBus
from simulator.faults import Fault
from simulator.physics import View
from simulator.sensor import VirtualMLX90614

ROOM_C = 22.0
SETTINGS = """
campus = "east"
gateway = "gw-east"
language = "en"
[[gates]]
name = "north"
kiosks = ["north-1", "north-2"]
[desk]
supply_v = 3.0
"""
EMPTY = View(ROOM_C, ROOM_C, emissivity=1.0)


class AtTheDesk:
    """A desk with a virtual sensor: `before(view, from_s, to_s)` puts something before it."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.toml = folder / "gateway.toml"
        self.toml.write_text(SETTINGS)
        self.part = VirtualMLX90614(lambda _: self.seen)
        self.seen = EMPTY
        self.part.scene = self._scene
        self._plan = []
        bus = VirtualBus()
        bus.attach(self.part)
        self.kernel = Kernel(bus).install(monkeypatch)
        clock = Clock(self.kernel.time.monotonic, self.kernel.time.sleep)
        monkeypatch.setattr(at_work, "Clock", lambda: clock)

    def _scene(self, now_ms):
        for view, begin_ms, end_ms in self._plan:
            if begin_ms <= now_ms < end_ms:
                return view
        return self.seen

    def before(self, view, from_s=0.0, for_s=1e6):
        now_ms = self.kernel.time.now_ms
        self._plan.append((view, now_ms + from_s * 1000, now_ms + (from_s + for_s) * 1000))

    def person(self, skin_c, from_s=1.0, for_s=3.0):
        self.before(View(skin_c, ROOM_C), from_s, for_s)

    @property
    def settings(self):
        return load_gateway(self.toml)

    def run(self, *arguments, keys="\n"):
        done = CliRunner().invoke(
            cli, ["desk", *arguments, "--settings", str(self.toml)], input=keys
        )
        self.kernel.time.sleep(10.0)  # whoever was there has gone
        return done

    def look(self, *arguments, **options):
        done = self.run("look", "--json", *arguments, **options)
        assert done.exit_code == 0, done.output + repr(done.exception)
        return json.loads(done.stdout)

    def kept(self, table):
        settings = self.settings
        return store.newest(settings, settings.desk or Desk(), table, 100)

    def doctor(self):
        return list(findings.desk(self.settings))


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


def test_whoever_leaves_at_once_is_no_normal(desk):
    desk.person(35.6, for_s=0.4)
    assert desk.look()["reason"] in ("short", "far")


def test_the_guard_is_shown_large_digits_the_answer_and_who_decides(desk):
    desk.person(37.6)
    done = desk.run("--count", "1")
    assert done.exit_code == 0, done.output
    assert "At or above 37.3 °C" in done.output and "clinical thermometer decides" in done.output
    assert "██████" in done.output and "axillary equivalent" in done.output
    assert "wrong checksums 0" in done.output and "never calibrated" in done.output
    assert "not checked within a day" in done.output


def test_no_measurement_shows_no_body_temperature(desk):
    desk.person(33.0)
    done = desk.run("--count", "1", "--by", "Li")
    assert "No answer: cold skin" in done.output and "body" not in done.output.split("ends)")[1]
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
    console.print(shown.looked(look_of(body_c, verdict), "en"))
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert all(line.rstrip() in lines for line in shown.big(digits).splitlines())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_is_ever_called_healthy(desk, language):
    desk.person(35.6)
    done = desk.run("--count", "1", "--language", language)
    said = done.output.lower()
    assert ("低于阈值 37.3" if language == "zh" else "below 37.3") in said
    assert not [word for word in ("healthy", "normal", "健康", "正常", "无发热") if word in said]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_and_reason_has_words(language):
    reasons = [screening.SHORT, screening.MOVING, screening.FAR, screening.COLD, screening.HOT]
    for key in [*reasons, screening.WAIT, screening.ROOM, "nobody", "waiting", "scanning", "hot"]:
        assert shown.say(key, language)
    for chinese, english in shown.TABLE.values():
        assert chinese != english and english.isascii() is (
            "°" not in english and "±" not in english
        )


def test_digits_are_five_lines_that_tell_each_figure_from_the_others():
    drawn = {figure: shown.big(figure) for figure in "0123456789"}
    assert len(set(drawn.values())) == 10
    assert all(len(text.splitlines()) == 5 for text in drawn.values())
    assert max(map(len, shown.big("37.5").splitlines())) < 40


def test_looks_go_on_until_q_or_the_end_of_the_keys(desk):
    for number in range(3):
        desk.person(35.6, from_s=1.0 + 6 * number)
    done = desk.run(keys="\n\nq\n")
    assert done.exit_code == 0 and done.output.count("Below 37.3") == 2
    assert desk.run(keys="").exit_code == 0


def test_nobody_in_front_is_said_and_is_exit_1_for_a_program(desk):
    done = desk.run("look", "--json")
    assert done.exit_code == 1 and done.stdout == "" and "nobody was seen" in done.stderr
    assert "nobody was seen" in desk.run(keys="\n").output


def test_watch_answers_everybody_who_comes(desk):
    desk.person(35.6, from_s=1.0)
    desk.person(37.6, from_s=8.0)
    done = desk.run("--watch", "--count", "2")
    assert done.exit_code == 0, done.output
    assert done.output.index("Below 37.3") < done.output.index("At or above 37.3")


def test_watch_says_a_fault_once_and_goes_on_when_the_sensor_is_back(desk):
    desk.person(35.6, from_s=12.0)
    begun = desk.kernel.time.now_s
    broken = False

    def scene(now_ms, before=desk.part.scene):
        nonlocal broken
        if not broken and now_ms > begun * 1000 + 2000:
            broken = True
            desk.part.fail(Fault.NAK, duration_ms=5000)
        return before(now_ms)

    desk.part.scene = scene
    done = desk.run("--watch", "--count", "1")
    assert done.exit_code == 0 and "Below 37.3" in done.stdout
    assert done.stderr.count("the sensor does not answer") == 1
    assert desk.kernel.opened == 0


def test_a_second_look_is_no_milder_than_the_strictest_kiosk(desk):
    kept = Store(desk.folder / "fevergate.db")
    kept.commit([arrived(1, threshold_c=37.0), arrived(2, kiosk="north-2", threshold_c=37.3)])
    kept.close()
    desk.person(35.6)
    assert desk.look()["threshold_c"] == 37.0
    desk.person(35.6)
    assert desk.look("--threshold", "37.4")["threshold_c"] == 37.4


def test_a_look_is_kept_only_under_a_name_and_needs_no_database_else(desk):
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
    kept = Store(desk.folder / "fevergate.db")
    kept.commit([arrived(7, "fever")])
    kept.db.execute("update fevers set raised_at = ?", (time.time(),))
    kept.close()
    desk.person(37.6)
    desk.look("--by", "Li", "--fever", "north-1")
    (row,) = desk.kept("looks")
    assert (row["kiosk"], row["boot"], row["seq"]) == ("north-1", 1, 7)
    assert "north-1" in desk.run("history").output
    desk.person(37.6)
    assert desk.run("--by", "Li", "--fever", "north-1", keys="\n\n").output.count("noted") == 1


def test_a_fever_that_is_nobodys_who_stands_here_takes_no_look(desk):
    for kiosk, said in (("north-2", "no fever within"), ("south-9", "expected one of north-1")):
        done = desk.run("--fever", kiosk, "--by", "Li")
        assert isinstance(done.exception, NothingFoundError) and said in str(done.exception)
    assert "--by says" in desk.run("--fever", "north-1").output


def test_a_frozen_part_gives_no_answer_although_its_value_is_plausible(desk):
    desk.before(View(35.6, ROOM_C))
    desk.kernel.time.sleep(5)
    desk.part.advance(desk.kernel.time.now_ms)
    desk.part.fail(Fault.FROZEN)
    done = desk.run("look", "--json")
    assert isinstance(done.exception, DeskError) and "the same again" in str(done.exception)
    assert done.stdout == ""


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
        done = desk.run(keys="\n\n")
    assert done.output.count("Below 37.3") == 1
    assert isinstance(done.exception, DeskError) and "the same again" in str(done.exception)


def test_watching_a_frozen_part_answers_nobody(desk):
    desk.before(View(35.6, ROOM_C))
    desk.kernel.time.sleep(5)
    desk.part.advance(desk.kernel.time.now_ms)
    desk.part.fail(Fault.FROZEN, duration_ms=60_000)
    desk.kernel.time.sleep(0.1)
    done = desk.run("--watch", "--count", "1")
    assert "the same again" in done.stderr and "Below 37.3" in done.stdout
    assert desk.kernel.time.now_s > 60  # only once it lived again


def test_a_part_that_sends_nothing_believable_gives_no_answer(desk):
    desk.person(35.6)
    for fault in (Fault.ERROR_BIT, Fault.OUT_OF_RANGE):
        desk.part.fail(fault)
        done = desk.run("look", "--json")
        assert isinstance(done.exception, DeskError) and "no temperature" in str(done.exception)
        assert done.stdout == ""
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


def check(desk, *arguments, keys=""):
    return desk.run("check", "--by", "Li Wei", *arguments, keys=keys)


def test_a_black_body_that_reads_as_it_is_passes_and_is_kept(desk):
    desk.before(black_body(37.0, ROOM_C))
    done = check(desk, keys="37.0\n")
    assert done.exit_code == 0, done.output
    assert "passed" in done.output
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
    done = check(desk, "--at", "37.0")
    assert done.exit_code == 1 and "failed" in done.output and advice in done.output
    assert "judge nobody by it" in done.output
    assert desk.kept("checks")[0]["passed"] == 0


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (lambda n: black_body(37.0 if n // 2000 % 2 else 35.0, ROOM_C), "not at rest"),
        (lambda n: black_body(37.0, ROOM_C + n / 20_000), "own temperature moves"),
    ],
)
def test_what_is_not_at_rest_is_no_check_and_nothing_is_kept(desk, view, said):
    desk.part.scene = view
    done = check(desk, "--at", "37.0")
    assert isinstance(done.exception, DeskError) and said in str(done.exception)
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
    done = check(desk, "--reference", "oral", "--at", "36.9")
    assert done.exit_code == 0 and "gross errors" in done.output
    desk.person(34.4)
    assert check(desk, "--reference", "axillary", "--at", "36.6").exit_code == 1
    assert [row["passed"] for row in desk.kept("checks")] == [0, 1]


def test_a_reference_that_cannot_be_is_asked_again_or_refused(desk):
    desk.before(black_body(37.0, ROOM_C))
    assert "20 to 45" in check(desk, "--at", "60").output
    assert check(desk, keys="370\n37.0\n").exit_code == 0
    done = check(desk, "--reference", "axillary", "--at", "20")
    assert done.exit_code == 2 and "35 to 41" in done.output
    assert "--at says" in check(desk, "--json").output
    assert json.loads(check(desk, "--json", "--at", "37.0").stdout)["passed"] is True


def test_a_calibration_puts_the_sensor_right_for_this_unit_only(desk):
    desk.before(black_body(36.5, ROOM_C))
    assert check(desk, "--at", "37.0").exit_code == 1
    done = desk.run("calibrate", "--by", "李伟", "--room", "21.0", keys="37\n\n\n\nn\ny\n")
    assert done.exit_code == 0 and "in force" in done.output, done.output
    (row,) = desk.kept("calibrations")
    assert row["offset_c"] == pytest.approx(0.5, abs=0.1) and row["by"] == "李伟"
    assert row["can_over_air_c"] == pytest.approx(1.0, abs=0.05)
    assert check(desk, "--at", "37.0").exit_code == 0
    settings = desk.settings
    assert store.calibration_of(settings, settings.desk, row["sensor"]).offset_c > 0.4
    assert store.calibration_of(settings, settings.desk, "ffff5c420f903d07").offset_c == 0.0
    assert "calibrated" in desk.doctor()[-1].text[1]


def test_a_calibration_that_no_sensor_can_need_is_refused(desk):
    desk.before(black_body(34.0, ROOM_C))
    done = desk.run("calibrate", "--by", "Li", keys="37\n\n\n\nn\ny\n")
    assert isinstance(done.exception, CalibrationRefusedError)
    assert desk.kept("calibrations") == []


def test_doctor_names_a_check_that_was_never_is_old_or_failed(desk):
    def said():
        return next(one for one in desk.doctor() if one.check == "desk check")

    assert said().state == "warning" and "never checked" in said().text[1]
    desk.before(black_body(37.0, ROOM_C))
    check(desk, "--at", "37.0")
    assert said().state == "ok" and "Li Wei" in said().text[1]
    database = sqlite3.connect(desk.folder / "desk.db")
    with database:
        database.execute("update checks set at = at - ?", (DAY_S + 60,))
    assert said().state == "warning" and "more than a day" in said().text[1]
    with database:
        database.execute("update checks set at = at + ?", (3 * DAY_S,))
    assert said().state == "warning"  # by a clock that was wrong
    with database:
        database.execute("update checks set at = ?, sensor = 'another'", (time.time(),))
    assert "never checked" in said().text[1]
    database.close()
    check(desk, "--at", "38.0")
    assert said().state == "failed" and "judge nobody by it" in said().text[1]


def test_doctor_says_what_is_wrong_with_the_sensor_and_still_speaks_of_the_check(desk):
    assert [one.state for one in desk.doctor()] == ["ok", "warning", "warning"]
    desk.part.fail(Fault.NAK)
    sensor, checked = desk.doctor()
    assert sensor.state == "failed" and "does not answer" in sensor.text[1]
    assert "never checked" in checked.text[1]


def test_without_a_desk_nothing_is_asked_of_it(desk):
    desk.toml.write_text(SETTINGS.replace("[desk]\nsupply_v = 3.0\n", ""))
    assert desk.doctor() == []
    done = desk.run()
    assert isinstance(done.exception, SettingsError) and "add [desk]" in str(done.exception)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bus = -1", "desk.bus: expected `int` >= 0"),
        ('site = "ear"', "desk.site: invalid enum value 'ear'"),
        ("supply_v = 5.0", "desk.supply_v: expected `float` <= 3.6"),
        ("pin = 2", "desk.pin: unknown key"),
    ],
)
def test_a_desk_that_cannot_be_is_refused_in_one_line(desk, line, said):
    desk.toml.write_text(SETTINGS.replace("supply_v = 3.0", line))
    with pytest.raises(SettingsError, match=said.replace("(", r"\(")):
        load_gateway(desk.toml)


def test_what_provision_leaves_commented_out_is_a_desk_once_it_is_not(tmp_path):
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
    gone = Store(desk.folder / "fevergate.db")
    gone.db.execute("insert into meta values ('housekept_at', ?)", (str(time.time() + 31 * DAY_S),))
    gone.close()
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
    again = load_gateway(tmp_path / "new/gateway.toml")
    assert store.newest(again, Desk(), "checks", 1)[0]["by"] == "Li Wei"
