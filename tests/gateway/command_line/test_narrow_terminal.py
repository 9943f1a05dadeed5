"""Tables of `log` and `status` at 80 columns: no name is cut, times are local to the campus."""

import io
import re
from datetime import UTC, datetime

import pytest
from rich.console import Console
from samples import arrived

from fevergate.operations.status_command import KioskStatus, Status, as_table
from fevergate.provision import provision
from fevergate.reports.fever_log import KioskDay, read_whole_day
from fevergate.settings.gateway import load_gateway
from fevergate.storage.connection import open_reader
from fevergate.storage.store import Store
from fevergate.web.log_table import log_table

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()
KIOSKS = ("northern-gate-lane-1", "northern-gate-lane-2")


@pytest.fixture
def settings(tmp_path):
    provision(tmp_path, campus="east", gateway="gw-east", gates={"northern-gate": list(KIOSKS)})
    return load_gateway(tmp_path / "gateway.toml")


def rendered(table, columns=80):
    screen = io.StringIO()
    Console(file=screen, width=columns).print(table)
    return screen.getvalue()


def status(settings, heard_at=AT, **fields):
    kiosks = [
        KioskStatus(
            kiosk=kiosk,
            gate="northern-gate",
            online=True,
            heard_at=heard_at,
            today=KioskDay(gate="northern-gate", kiosk=kiosk),
            **fields,
        )
        for kiosk in KIOSKS
    ]
    return Status(at=AT, campus="east", gateway="gw-east", gates=[], kiosks=kiosks)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_names_are_whole_or_folded_never_cut(settings, language):
    text = rendered(as_table(status(settings), settings, language))
    assert "…" not in text and all(len(line) <= 80 for line in text.splitlines())
    assert all(kiosk in text for kiosk in KIOSKS)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_log_leaves_out_whole_columns_and_says_which(settings, language):
    store = Store(settings.folder / "fevergate.db")
    for number, kiosk in enumerate(KIOSKS, 1):
        store.commit([arrived(number, "fever", kiosk=kiosk, at=AT + number, body_c=38.1)])
    with open_reader(store.path) as reader:
        day = read_whole_day(reader, settings, datetime.fromtimestamp(AT, settings.zone).date())
        narrow = rendered(log_table(day, settings, language))
        wide = rendered(log_table(day, settings, language), 250)
    store.close()
    assert "…" not in narrow
    matches = set(re.findall(r"lane-[12]|ne-[12]|-[12]", narrow))
    assert {name[-2:] for name in matches} == {"-1", "-2"}
    words = {"zh": "屏幕较窄，未列出：", "en": "The terminal is too narrow for:"}[language]
    assert words in narrow and words not in wide
    assert all(kiosk in wide for kiosk in KIOSKS)


def test_times_are_those_of_the_campus_wherever_the_command_runs(settings, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert "2026-11-23 12:00:00" in rendered(as_table(status(settings), settings, "en"))
    assert "Asia/Shanghai" in rendered(as_table(status(settings), settings, "en"))


def test_a_silent_kiosk_is_not_said_to_watch(settings):
    assert "watches" in rendered(as_table(status(settings), settings, "en"))
    silent = AT - settings.alarm.silent_after_s - 1
    text = rendered(as_table(status(settings, silent), settings, "en"))
    assert "silent" in text and "watches" not in text
    assert "失联" in rendered(as_table(status(settings, silent), settings, "zh"))


def test_a_fault_is_said_in_the_language_of_the_rest(settings):
    text = rendered(as_table(status(settings, fault="lens blocked"), settings, "zh"))
    assert "lens blocked" not in text and "镜头" in text
