"""`provision` asks for names, which people then read everywhere in place of ids."""

import asyncio
import io
import os
import pty
import re
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pdfplumber
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pages_site import DAY, Site
from rich.console import Console
from samples import AT, arrived, health
from starlette.testclient import TestClient

from fevergate.campus.settings import load_campus
from fevergate.cli import cli
from fevergate.errors import ProvisionError
from fevergate.operations import status_command
from fevergate.operations.doctor_lamps import lamps
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.provision.files import read_toml
from fevergate.provision.titles import (
    Titles,
    check_title,
    set_kiosk_titles,
    suggested_campus,
    suggested_gate,
)
from fevergate.settings.gateway import KioskTitle, load_gateway
from fevergate.storage.records import HealthArrived
from fevergate.storage.store import Store
from fevergate.texts.translations import translator

CAMPUS = ["--campus", "east", "--gateway", "gw-east"]
GATES = ["--gate", "north=north-1,north-2", "--gate", "gate-3=x-1"]


def run(*arguments):
    return CliRunner().invoke(cli, ["provision", *map(str, arguments)])


def test_a_name_that_is_given_is_written_and_stays(tmp_path):
    folder = tmp_path / "a"
    titles = ["--title", "东校区", "--title-en", "East campus", "--gate-title", "north=北门/North"]
    done = run("gateway", folder, *CAMPUS, *GATES, *titles)
    assert done.exit_code == 0, done.output
    assert run("gateway", folder, *CAMPUS, *GATES).exit_code == 0
    settings = load_gateway(folder / "gateway.toml")
    assert [settings.campus_title(language) for language in ("zh", "en")] == [
        "东校区",
        "East campus",
    ]
    assert [settings.gate_title("north", language) for language in ("zh", "en")] == [
        "北门",
        "North",
    ]
    assert settings.gate_title("gate-3", "zh") == "gate-3"
    assert "# of the campus, as people read it" in (folder / "gateway.toml").read_text()


def test_a_kiosk_and_its_new_gate_are_named_as_they_are_added(tmp_path):
    folder = tmp_path / "a"
    run("gateway", folder, *CAMPUS, "--gate", "north=north-1")
    titles = ["--title", "左侧", "--title-en", "Left", "--gate-title", "south=南门"]
    done = run("kiosk", folder, "south-1", "--gate", "south", *titles)
    assert done.exit_code == 0 and "左侧" in done.output and "南门" in done.output
    names = load_gateway(folder / "gateway.toml").names("en")
    assert names.kiosk("south-1") == "Left" and names.gate("south") == "南门"


def test_campuses_are_named_in_a_campus_servers_folder(tmp_path):
    url = ["--url", "https://campus.example:8443", "--gateways", "east=gw-east"]
    titles = ["--title", "某某学院", "--campus-title", "east=东校区/East campus"]
    assert run("campus", tmp_path / "c", *url, *titles).exit_code == 0
    settings = load_campus(tmp_path / "c/campus.toml")
    assert settings.title == "某某学院" and settings.titles("east") == ("东校区", "East campus")
    run("gateway", tmp_path / "a", *CAMPUS, *GATES, "--title", "东校区", "--campus-server", url[1])
    assert load_campus(tmp_path / "a/campus.toml").titles("east")[0] == "东校区"


@pytest.mark.parametrize(
    ("option", "says"),
    [("north", "GATE=NAME"), ("north=" + "长" * 33, "at most 32"), ("north=a\x07b", "printable"),
     ("west=西门", "expected one of")],
)  # fmt: skip
def test_an_invalid_name_is_refused_and_nothing_is_made(tmp_path, option, says):
    done = run("gateway", tmp_path / "a", *CAMPUS, *GATES, "--gate-title", option)
    assert done.exit_code != 0 and not (tmp_path / "a/gateway.toml").exists()
    assert says in done.output + str(done.exception)


def test_two_gates_do_not_have_one_name(tmp_path):
    titles = ["--gate-title", "north=北门", "--gate-title", "gate-3=北门"]
    done = run("gateway", tmp_path / "a", *CAMPUS, *GATES, *titles)
    assert isinstance(done.exception, ProvisionError) and "is the name of" in str(done.exception)


def test_at_a_terminal_each_name_is_asked_for_once_with_a_likely_one(tmp_path):
    folder = tmp_path / "a"
    first = at_a_terminal(folder, b"\n\n\nThe north\n\n\n")
    assert first.count("[") >= 6 and "[东校区]" in first and "[北门]" in first
    assert "[3 号门]" in first and "[Gate 3]" in first
    settings = load_gateway(folder / "gateway.toml")
    assert settings.title == "东校区" and settings.title_en == "East campus"
    assert settings.gate_title("north", "en") == "The north"
    assert "[北门]" not in at_a_terminal(folder, b"")


def at_a_terminal(folder: Path, typed: bytes) -> str:
    """What `provision gateway` prints at a terminal at which somebody types `typed`."""
    terminal, child_end = pty.openpty()
    command = [sys.executable, "-m", "fevergate.cli", "provision", "gateway", str(folder)]
    program = [*command, *CAMPUS, *GATES]
    with subprocess.Popen(program, stdin=child_end, stdout=child_end, stderr=child_end) as process:
        os.close(child_end)
        os.write(terminal, typed)
        output = b""
        while process.poll() is None or select.select([terminal], [], [], 0)[0]:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    output += os.read(terminal, 4096)
                except OSError:
                    break
    os.close(terminal)
    assert process.returncode == 0, output.decode()
    return output.decode()


def test_likely_names():
    assert suggested_gate("north") == Titles("北门", "North gate")
    assert suggested_gate("gate-3") == suggested_gate("3") == Titles("3 号门", "Gate 3")
    assert suggested_gate("old-library") == Titles("old-library", "Old library")
    assert suggested_campus("main") == Titles("主校区", "Main campus")


@given(st.text(max_size=32))
def test_any_name_that_is_taken_comes_back_from_the_file_as_it_was(tmp_path_factory, name):
    try:
        title = check_title("kiosk", name)
    except ProvisionError:
        return
    path = tmp_path_factory.mktemp("names") / "gateway.toml"
    path.write_text('campus = "e"\ngateway = "g" # mine\n[[gates]]\nname = "n"\nkiosks = ["n-1"]\n')
    document = read_toml(path)
    set_kiosk_titles(document, "n-1", Titles(title, title))
    path.write_text(document.as_string())
    assert load_gateway(path).kiosk_title("n-1", "en") == (title or "n-1")
    assert "# mine" in path.read_text()


@pytest.fixture
def named_site(tmp_path):
    site = Site(tmp_path)
    site.settings.title = "东校区"
    site.settings.gates[0].title, site.settings.gates[1].title = "北门", "南门"
    for kiosk, title in (("north-1", "左侧"), ("north-2", "右侧"), ("south-1", "传达室")):
        site.settings.kiosk_titles[kiosk] = KioskTitle(title=title)
    site.gateway.commit([HealthArrived(health(), AT + 60, "north")])
    yield site
    site.close()


IDS = ("north", "south", "east")
PAGES = [
    *("/board/north", "/fevers/north-1/1/2", f"/admin/log?date={DAY}", "/admin/kiosks"),
    *("/admin/overview", "/admin/people", "/board/north/fevers?of=open"),
]


def words(html):
    """The text of a page's main part."""
    main = html[html.index("<main") : html.index("</main>")]
    return re.sub(r"<[^>]*>", " ", main)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_shows_an_id_where_there_is_a_name(named_site, path):
    client: TestClient = named_site.client("李伟", language="zh")
    text = words(client.get(path).text)
    assert not [name for name in IDS if name in text], text


def test_a_kiosks_own_page_shows_its_id_beside_its_name(named_site, tmp_path):
    (tmp_path / "admin.password").write_text("x")
    assert "左侧 (north-1)" in named_site.client("李伟").get("/admin/kiosks/north-1").text


@pytest.mark.parametrize("path", ["/admin/log.csv", "/admin/log-coverage.csv", "/admin/log.pdf"])
def test_files_have_the_names(named_site, path):
    answer = named_site.client("李伟", language="zh").get(f"{path}?date={DAY}")
    if path.endswith("pdf"):
        with pdfplumber.open(io.BytesIO(answer.content)) as document:
            text = "".join(page.extract_text() for page in document.pages)
        assert "东校区" in text
    else:
        text = answer.content.decode("utf-8-sig")
    assert "北门" in text and "左侧" in text


def test_a_board_calls_kiosks_by_their_names(named_site):
    pages = named_site.pages
    board = next(
        route.endpoint.__self__ for route in pages.app.routes if "events" in str(route.path)
    )
    last = FeverSeen(kiosk="north-1", boot=1, seq=2, body_c=38.4)
    amber = ("north-2: offline",)
    pages.live._alarms["north"] = AlarmState(
        gate="north", state="raised", since=AT, fevers=1, last=last, amber=amber
    )

    async def now():
        return board._now(AT, translator("zh"), "zh")

    gate = asyncio.run(now()).gates[0]
    assert gate.where == gate.kiosks[0].kiosk == "左侧"
    assert gate.alarm.last == last  # unchanged, as the board sends it back
    assert gate.reasons == ["右侧：离线"]


def test_log_status_and_doctor_say_the_names(tmp_path):
    folder = tmp_path / "commands"
    titles = ["--title", "东校区", "--gate-title", "north=北门"]
    run("gateway", folder, *CAMPUS, "--gate", "north=north-1", *titles)
    run("kiosk", folder, "north-1", "--title", "左侧")
    settings = load_gateway(folder / "gateway.toml")
    with closing(Store(folder / "fevergate.db")) as store:
        store.commit([arrived(2, "fever", body_c=38.4)])
        texts = [finding.text for finding in lamps(settings)]
    assert texts[0][0].startswith("北门")
    options = ["--settings", str(folder / "gateway.toml"), "--date", DAY, "--language", "zh"]
    log = CliRunner().invoke(cli, ["log", *options]).output
    assert "东校区" in log and "北门" in log and "左侧" in log and "north" not in log
    screen = io.StringIO()
    status = status_command.look(settings)
    status.troubles = []
    Console(file=screen, width=160).print(status_command.as_table(status, settings, "zh"))
    assert "东校区" in screen.getvalue() and "左侧" in screen.getvalue()
    assert "north" not in screen.getvalue()


def test_the_audit_calls_gates_and_kiosks_by_their_names(named_site):
    for action, target in (("acknowledge", "north by Zhang"), ("identify", "north-1")):
        named_site.pages.store.note("Zhang", action, target)
    text = words(named_site.client("李伟", language="zh").get("/admin/audit").text)
    assert "北门" in text and "左侧" in text and "north" not in text
