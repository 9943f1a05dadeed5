"""The whole chain, as `tools/demo` plays it: no reading lost or doubled, each fever lights red."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import real_micropython
from process_list import command_lines
from simulator_helpers import PEOPLE_FILE

from demonstration import arguments
from demonstration.__main__ import FEVER_EVERY_S, FIRST_FEVERISH, people_for
from demonstration.live import WATCHED_S
from fevergate.evaluation.people_file import Person
from fevergate.protocol.messages import Identity
from fevergate.settings.settings_file import read_secret
from harness import card_verdict, verdict
from harness.lamps import Lamps
from harness.system import System
from kiosk.mlx90614 import settle_ms
from simulator import Visit, built_in_crowd
from simulator.interpreters import INTERPRETERS
from simulator.sensor import CONFIG1_DCI

KEYS = [
    *("people", "readings", "retries", "fevers", "red_lights", "dark", "unanswered"),
    *("logged", "forwarded", "lost", "duplicated", "alarm_ms_p50", "alarm_ms_p99", "wait_ms_p95"),
]
LISTED_KEYS = [
    *("expected", "measured", "excused", "unmeasured", "stayed_away", "zero", "zero_after"),
]
CARD_KEYS = ["tapped", "paired", "mispaired", "wait_ms_p50", "wait_ms_p50_without"]
HANG_S = 600


def demo(*arguments: str) -> tuple[int, dict[str, float], str]:
    """Run the demo; return its exit code, the summary in its last line, and its error output."""
    environment = os.environ | {"PYTHONPATH": str(real_micropython.ROOT / "tools")}
    result = subprocess.run(
        [sys.executable, "-m", "demonstration", "--once", "--json", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=HANG_S,
    )
    lines = result.stdout.splitlines()
    return result.returncode, json.loads(lines[-1]) if lines else {}, result.stderr


def assert_whole(code: int, summary: dict[str, float], output: str, people: int) -> None:
    assert code == 0, output
    assert list(summary) in (KEYS, KEYS + CARD_KEYS)
    assert summary["people"] == people and summary["readings"] >= people
    assert summary["lost"] == summary["duplicated"] == 0
    assert summary["logged"] == summary["forwarded"] == summary["readings"]
    assert summary["red_lights"] == summary["fevers"] > 0
    assert summary["dark"] == summary["unanswered"] == 0
    assert summary["wait_ms_p95"] > settle_ms(CONFIG1_DCI)  # the sensor's own filter


def assert_paired(summary: dict[str, float], with_cards: int) -> None:
    """Check that each card was paired with its own person's readings; one in eight has no card."""
    assert list(summary) == KEYS + CARD_KEYS
    assert summary["paired"] == summary["tapped"]
    assert with_cards * 3 / 4 <= summary["tapped"] < with_cards
    assert summary["mispaired"] == 0
    # Cards lengthen the wait by at most a sample. The ratio allows for a busy machine, which delays
    # both gates.
    assert summary["wait_ms_p50"] < 1.5 * summary["wait_ms_p50_without"]


@real_micropython.needs("32bit")
def test_a_crowd_is_measured_lit_stored_and_forwarded_once():
    """With the 32-bit words of a real board; the other tests use the usual 64 bits."""
    code, summary, output = demo("--crowd", "32", "--cards", "--interpreter", "32bit")
    assert_whole(code, summary, output, people=32)
    assert_paired(summary, with_cards=16)


def test_a_listed_day_is_zero_only_once_every_expected_person_is_accounted_for():
    code, summary, output = demo("--list", "20")
    assert code == 0, output
    assert list(summary) == [*KEYS, *LISTED_KEYS]
    assert summary["fevers"] == summary["lost"] == summary["duplicated"] == 0
    assert (summary["expected"], summary["measured"], summary["excused"]) == (20, 18, 0)
    assert summary["unmeasured"] == summary["stayed_away"] == 2
    assert (summary["zero"], summary["zero_after"]) == (False, True)


def test_the_options_name_the_interpreters_that_there_are():
    assert tuple(INTERPRETERS) == arguments.INTERPRETERS


def test_a_fever_whose_red_did_not_burn_and_a_person_without_an_answer_are_counted():
    at, fever = Identity("north-1", 1, 1), Person("feverish", (37.4,), 22.0)
    visits = [
        Visit(fever, ("red",), 1000.0, (2900.0,), 4000.0),
        Visit(fever, ("none", "green"), 9000.0, (None, 9990.0), 12_000.0),
        Visit(fever, ("none",), 15_000.0, (None,), 19_000.0),
    ]
    summary = verdict.Summary()
    verdict._judge_people(summary, visits, 400.0)
    assert (summary.people, summary.unanswered, summary.wait_ms_p95) == (3, 1, 1500)
    settings = SimpleNamespace(gates=[])
    shown = {at: verdict.Shown(at, "fever", 5.0)}
    verdict._judge_alarms(summary, shown, {}, settings, Lamps())  # type: ignore[arg-type]
    assert (summary.fevers, summary.red_lights, summary.dark) == (1, 0, 1)


ONE, TWO = Person("one", (36.0,), 22.0), Person("two", (36.0,), 22.0)
AT = [Identity("north-1", 1, seq) for seq in range(1, 6)]


def played_cards(stored: dict[Identity, int]) -> card_verdict.Pairing:
    """The verdict on cards of three visits: the first person is asked to confirm and does not come
    back, the second taps late, the third has no card."""
    visits = [
        Visit(ONE, ("amber",), 1000.0, (2000.0,), 3000.0, ((11, 500.0),)),
        Visit(TWO, ("amber", "green"), 4000.0, (5000.0, 9000.0), 9500.0, ((22, 5000.0),)),
        Visit(TWO, ("amber",), 11_000.0, (12_000.0,), 13_000.0),
    ]
    answers = [
        verdict.Shown(AT[0], "retry", 0.0, "confirm", lit_ms=2000.0),
        verdict.Shown(AT[1], "normal", 0.0, lit_ms=5000.0),
        verdict.Shown(AT[2], "normal", 0.0, lit_ms=9000.0),
        verdict.Shown(AT[3], "fever", 0.0, "unconfirmed", own_light=False, lit_ms=9000.0),
        verdict.Shown(AT[4], "normal", 0.0, lit_ms=12_000.0),
    ]
    owned = card_verdict.owners({"north-1": visits}, answers)
    return card_verdict.judge_cards(owned, {11: 1, 22: 2}, stored)


@pytest.mark.parametrize(
    ("stored", "pairing"),
    [
        ({AT[0]: 1, AT[2]: 2, AT[3]: 1}, (2, 2, 0)),
        ({AT[2]: 2, AT[3]: 1}, (2, 2, 0)),
        ({AT[0]: 1}, (2, 1, 0)),
        ({AT[0]: 1, AT[2]: 1, AT[3]: 2}, (2, 1, 2)),  # the two have each other's reading
        ({AT[0]: 1, AT[1]: 2, AT[2]: 2}, (2, 2, 1)),  # the person had not tapped yet
        ({AT[0]: 1, AT[2]: 2, AT[4]: 2}, (2, 2, 1)),  # the person has no card
    ],
)
def test_the_judge_knows_whose_each_reading_must_be(stored, pairing):
    assert played_cards(stored) == pairing


def test_with_every_clock_at_2000_nobody_waits_and_each_reading_gets_its_date():
    """That also holds if the gateway is killed and starts again half way."""
    assert_whole(*demo("--crowd", "32", "--clock-unset", "--kill", "gateway"), people=32)


def test_killing_both_half_way_loses_and_doubles_nothing_and_leaves_no_fever_dark():
    kills = ("--kill", "broker", "--kill", "gateway")
    code, summary, output = demo("--crowd", "48", "--cards", *kills, "--seed", "5")
    assert "killing the broker" in output and "killing the gateway" in output
    assert_whole(code, summary, output, people=48)
    assert_paired(summary, with_cards=24)


def test_two_name_servers_that_never_answer_change_nothing_for_anybody():
    assert_whole(*demo("--crowd", "16", "--silent-dns"), people=16)


@pytest.mark.skipif(not PEOPLE_FILE.exists(), reason="no file of real people beside the project")
def test_real_people_of_a_file():
    code, summary, output = demo(
        "--people", str(PEOPLE_FILE), "--site", "canthus", "--limit", "100"
    )
    assert_whole(code, summary, output, people=100)


def test_a_wrong_file_of_people_is_named(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("subject,camera\n1,FLIR\n")
    code, _, output = demo("--people", str(path))
    assert code == 2 and "line 1: expected a column" in output and "Traceback" not in output


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    environment = os.environ | {
        "PYTHONPATH": str(real_micropython.ROOT / "tools"),
        "TMPDIR": str(tmp_path),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "demonstration", "--speed", "8"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout
        output = ""
        while "normal" not in output:
            line = process.stdout.readline()
            assert line, output
            output += line
        assert list(tmp_path.iterdir())
        assert running_in(tmp_path)
        every_page_is_served(output, tmp_path)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)  # somebody is impatient
        remainder, _ = process.communicate(timeout=HANG_S)
        assert process.returncode == 0, remainder
        assert list(tmp_path.iterdir()) == []
        assert running_in(tmp_path) == []
    finally:
        process.kill()  # the processes that it started end with it


def every_page_is_served(output: str, folder: Path) -> None:
    """Check that each printed address serves its page to the user printed beside it, and that the
    board shows the gate's name."""
    pages = {"board": "/board/north", "board, log": "/admin/log", "campus server": "/"}
    for title, path in pages.items():
        match = re.search(rf"  {title} +(https://\S+)\s+user (\w+), password (\S+)", output)
        assert match, title
        address, name, password = match.groups()
        origin = re.match(r"https://[^/]+", address)
        assert origin
        with httpx.Client(verify=False, base_url=origin[0], timeout=HANG_S) as client:  # noqa: S501
            answer = signed_in(client, name, password)
            assert answer.status_code == 303, title
            page = client.get(path, follow_redirects=True)
            assert page.status_code == 200, title
            assert title != "board" or "北门" in page.text
    assert "The browser warns" in output and "浏览器会提示" in output
    (authority,) = re.findall(r"(/\S+/ca\.crt); ports", output)
    assert Path(authority).is_file() and folder in Path(authority).parents


def signed_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    end = time.monotonic() + HANG_S
    while True:
        try:
            form = {"name": name, "password": password}
            return client.post(
                "/sign-in", data=form, headers={"origin": str(client.base_url).rstrip("/")}
            )
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_gate_that_is_watched_is_calm_with_a_fever_now_and_then():
    """Before fevers were spread out, the gate was red for 41 of 60 s."""
    once = people_for(arguments.parse(["--once"]))
    live = people_for(arguments.parse([]))
    assert sum(is_feverish(person) for person in once) == 6
    assert [n for n, person in enumerate(live) if is_feverish(person)] == [FIRST_FEVERISH]
    assert FEVER_EVERY_S >= 4 * WATCHED_S


def is_feverish(person: Person) -> bool:
    return person.oral_c is not None and person.oral_c >= 38


def running_in(folder: Path) -> list[str]:
    return [line for line in command_lines() if str(folder) in line]


def test_a_stock_client_sees_the_readings_and_sqlite_the_rows(tmp_path):
    with System(tmp_path / "demo", built_in_crowd(40, 3), speed=8) as system:
        broker = system.settings.broker
        client = subprocess.run(
            [
                *("mosquitto_sub", "-h", broker.host, "-p", str(broker.port)),
                *("--cafile", str(system.folder / "ca.crt"), "-u", "admin", "-P"),
                read_secret(system.folder / "admin.password"),
                *("-t", "fevergate/v1/+/+/reading", "-C", "3", "-W", str(HANG_S)),
            ],
            capture_output=True,
            text=True,
            timeout=HANG_S,
        )
        readings = [json.loads(line) for line in client.stdout.splitlines()]
        assert len(readings) == 3 and all("body_c" in reading for reading in readings)
        wait_for_rows(system.settings.path(system.settings.database))


def wait_for_rows(database: Path) -> None:
    end = time.monotonic() + HANG_S
    while True:
        rows = sqlite3.connect(database).execute("select count(*) from readings").fetchone()[0]
        if rows:
            return
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A system that has played its crowd, and still runs."""
    folder = tmp_path_factory.mktemp("played") / "demo"
    with System(folder, built_in_crowd(24, 7, fever_share=0.2), speed=10) as system:
        system.wait_crowd(HANG_S)
        end = time.monotonic() + HANG_S
        while not system.settled():
            assert time.monotonic() < end
            time.sleep(0.1)
        yield system


def test_the_judge_finds_nothing_wrong_with_a_sound_run(played):
    summary = played.judge()
    assert summary.problems == [] and summary.lost == summary.duplicated == 0


def spoilt(played, tmp_path, sql: str):
    """The judge's verdict on a copy of the gateway's database that `sql` has changed."""
    settings = played.settings
    copy = tmp_path / "copy.db"
    source = sqlite3.connect(settings.path(settings.database))
    target = sqlite3.connect(copy)
    source.backup(target)
    target.execute(sql)
    target.commit()
    target.close()
    original, settings.database = settings.database, str(copy)
    try:
        return played.judge()
    finally:
        settings.database = original


def test_the_judge_sees_a_lost_reading(played, tmp_path):
    sql = "delete from readings where verdict = 'normal' and seq = 1 and kiosk = 'north-1'"
    summary = spoilt(played, tmp_path, sql)
    assert summary.lost + summary.duplicated >= 1 and summary.problems


def test_the_judge_sees_a_fever_without_a_row_in_the_log(played, tmp_path):
    summary = spoilt(played, tmp_path, "delete from fevers")
    assert summary.fevers > summary.red_lights == 0


def test_the_judge_sees_a_lamp_that_was_dark(played, tmp_path):
    summary = spoilt(played, tmp_path, "update fevers set raised_at = raised_at - 3600")
    assert summary.fevers > summary.red_lights == 0


def test_the_judge_sees_a_reading_that_nobody_was_shown(played, tmp_path):
    sql = (
        "insert into readings select kiosk, boot, 900, at, up_ms, received_at, gate, verdict,"
        " reason, object_c, ambient_c, skin_c, body_c, threshold_c, baseline_c, samples, scan_ms,"
        " queued, fw, claimed_at, epoch from readings limit 1"
    )
    assert spoilt(played, tmp_path, sql).duplicated >= 1


def test_the_fever_log_of_the_day_has_every_fever_and_who_saw_to_it(played):
    log = subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "log", "--format", "json"),
            *("--settings", str(played.settings_path)),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    day = json.loads(log)
    assert day["covered"] and not day["zero"]
    assert len(day["fevers"]) == sum(kiosk["fever"] for kiosk in day["kiosks"])
    assert {fever["acknowledged_by"] for fever in day["fevers"]} <= {"button", None}
