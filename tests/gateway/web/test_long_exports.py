"""An export takes no more memory for a day of many fevers than for one of few, and leaves no fever
out."""

import asyncio
import csv
import io
import os
import sys
import tracemalloc
from datetime import date
from pathlib import Path
from tempfile import SpooledTemporaryFile

import openpyxl
import pytest
from pages_site import DAY
from samples import AT, arrived

from fevergate.cli import cli
from fevergate.errors import StoreError
from fevergate.provision import provision
from fevergate.reports import formats, rescreen
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store
from fevergate.storage.strikes import StrikeRequest, strike
from fevergate.web import api_part, follow_ups, log_table
from fevergate.web_common import downloads, exports, pdf_report

SHORT, LONG = 200, 1200
FEVER_BYTES = 800
"""Bytes of memory that one fever takes."""

PAGES = [
    *(f"/admin/log.{kind}?date={DAY}" for kind in ("csv", "xlsx", "pdf", "json")),
    f"/admin/log.csv?date={DAY}&names=1",
    f"/admin/log?date={DAY}",
    *(f"/admin/fevers{kind}?from={DAY}&to={DAY}" for kind in ("", ".csv", ".pdf", ".json")),
    f"/admin/overview.xlsx?from={DAY}&to={DAY}",
    "/admin/overview",
    f"/api/v1/log?date={DAY}",
    "/board/north",
]
COMMANDS = [
    ("--format", "table"),
    ("--format", "csv"),
    ("--format", "json"),
    ("--rescreen", "--threshold", "39", "--format", "json"),
    ("--rescreen", "--threshold", "39"),
]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Set every limit on rows held in memory to 20, so that memory grows only where there is no
    limit."""
    monkeypatch.setattr(downloads, "SPOOL_BYTES", 1000)
    monkeypatch.setattr(pdf_report, "MAX_PDF_ROWS", 20)
    monkeypatch.setattr(follow_ups, "AT_ONCE", 20)
    monkeypatch.setattr(api_part, "PAGE", 20)
    monkeypatch.setattr(formats, "MAX_SHOWN", 20)
    monkeypatch.setattr(log_table, "MAX_SHOWN", 20)
    monkeypatch.setattr(rescreen, "MAX_CHANGED", 20)


def commit_fevers(store, begin, end):
    fields = {"body_c": 38.0, "object_c": 35.0, "ambient_c": 24.0, "scan_ms": 700}
    store.commit([arrived(10 + n, "fever", at=AT + n, **fields) for n in range(begin, end)])


def peak_of(act):
    """The most bytes that `act` held at once."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_flat(act, store):
    commit_fevers(store, 0, SHORT)
    act()  # fills the caches
    short = peak_of(act)
    commit_fevers(store, SHORT, LONG)
    assert peak_of(act) < short + (LONG - SHORT) * FEVER_BYTES / 4


def ask(site, client, path):
    """Request `path` as a browser does, without keeping the answer; returns the answer's size in
    bytes."""
    path, _, query = path.partition("?")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"pages"), (b"cookie", cookie.encode())],
        "server": ("pages", 443),
    }
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])
    count = 0

    async def receive():
        return next(messages, None) or await asyncio.Event().wait()

    async def send(message):
        nonlocal count
        assert message.get("status", 200) == 200
        count += len(message.get("body", b""))

    asyncio.run(site.pages.app(scope, receive, send))
    return count


@pytest.mark.parametrize("path", PAGES)
def test_a_page_or_file_takes_no_more_memory_for_a_long_day(site, administrator, path):
    assert_flat(lambda: ask(site, administrator, path), site.gateway)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_takes_no_more_memory_for_a_long_day(tmp_path, monkeypatch, arguments):
    provision(tmp_path, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    store = Store(tmp_path / "fevergate.db", load_gateway(tmp_path / "gateway.toml").zone)
    command = ["log", "--settings", str(tmp_path / "gateway.toml"), "--date", DAY, *arguments]
    with Path(os.devnull).open("w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        assert_flat(lambda: cli(command, standalone_mode=False), store)
    store.close()


def test_a_day_too_long_for_one_worksheet_goes_on_in_the_next(site, administrator, monkeypatch):
    monkeypatch.setattr(exports, "MAX_SHEET_ROWS", 20)
    commit_fevers(site.gateway, 0, 57)
    content = administrator.get(f"/admin/log.xlsx?date={DAY}").content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Fevers", "Fevers 2", "Fevers 3", "Coverage", "FeverGate"]
    first, *further = ([*page.values] for page in book.worksheets[:3])
    assert all(rows[0] == first[0] for rows in further)
    records = [row[5] for rows in (first, *further) for row in rows[1:]]
    assert len(records) == len(set(records)) == 58


def test_all_struck_fevers_are_in_the_files_and_in_the_pages_of_the_api(site, administrator):
    commit_fevers(site.gateway, 0, 57)
    day = date.fromisoformat(DAY)
    strike(
        site.settings, StrikeRequest(kiosk="north-1", day=day, by="李伟", reason="x", trusted=True)
    )
    text = administrator.get(f"/admin/log.csv?date={DAY}").content.decode("utf-8-sig")
    assert sum(row[-1] == "李伟: x" for row in csv.reader(io.StringIO(text))) == 58
    assert len(administrator.get(f"/admin/log.json?date={DAY}").json()["struck"]) == 58
    client = site.program("log")
    pages = client.get(f"/api/v1/log?date={DAY}").json()["pages"]
    assert pages == 3
    seqs = [
        fever["seq"]
        for page in range(1, pages + 1)
        for fever in client.get(f"/api/v1/log?date={DAY}&page={page}").json()["log"]["struck"]
    ]
    assert len(seqs) == len(set(seqs)) == 58


def test_a_file_for_which_there_is_no_room_is_refused_and_nothing_of_it_is_sent(
    site, administrator, monkeypatch
):
    def write(_file, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SpooledTemporaryFile, "write", write)
    for kind in ("csv", "xlsx", "json"):
        answer = administrator.get(f"/admin/log.{kind}?date={DAY}")
        assert answer.status_code == 503 and "no room on the disk" in answer.text
        assert "content-disposition" not in answer.headers


def test_a_file_whose_last_row_cannot_be_read_is_refused_not_cut(site, administrator, monkeypatch):
    commit_fevers(site.gateway, 0, 57)
    original = site.pages.follow_ups.beside

    def failing(fevers):
        yield from list(original(fevers))[:-1]
        raise StoreError("damaged")

    monkeypatch.setattr(site.pages.follow_ups, "beside", failing)
    answer = administrator.get(f"/admin/log.csv?date={DAY}")
    assert answer.status_code == 503 and "text/html" in answer.headers["content-type"]


def test_a_rescreening_that_would_change_more_than_it_lists_says_how_many(tmp_path, capsys):
    provision(tmp_path, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    store = Store(tmp_path / "fevergate.db", load_gateway(tmp_path / "gateway.toml").zone)
    commit_fevers(store, 0, 57)
    store.close()
    command = ["log", "--settings", str(tmp_path / "gateway.toml"), "--date", DAY]
    command += ["--rescreen", "--threshold", "39", "--language", "en"]
    cli(command, standalone_mode=False)
    assert "first 20 of 57" in capsys.readouterr().out
