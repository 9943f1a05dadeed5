"""Rows of a stolen kiosk are struck from a day, and the figures are right with and without them."""

import json
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from samples import arrived, health, settings

from fevergate.cli import cli
from fevergate.errors import StrikeError
from fevergate.reports.fever_log import read_day
from fevergate.reports.fevers import Fevers
from fevergate.reports.kiosk_comparison import crowds
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.records import HealthArrived
from fevergate.storage.store import Store
from fevergate.storage.strikes import StrikeRequest, of_fever, strike, take_back

DAY = date(2026, 11, 23)
BEGIN, END = day_bounds(DAY, settings().zone)
HOUR = 3600


def revoke(folder, kiosk="north-1", at="2026-11-24T00:00:00Z"):
    line = json.dumps({"kiosk": kiosk, "at": at, "reason": "stolen"})
    with (folder / "revoked.jsonl").open("a") as file:
        file.write(line + "\n")


def request(**fields):
    values: dict[str, Any] = {"kiosk": "north-1", "day": DAY, "by": "李伟", "reason": "stolen"}
    return StrikeRequest(**(values | fields))


@pytest.fixture
def site(tmp_path):
    """Settings of a gateway whose kiosk north-1 was revoked."""
    site = settings()
    site.folder = tmp_path
    revoke(tmp_path)
    return site


@pytest.fixture
def store(site):
    store = Store(site.path(site.database))
    yield store
    store.close()


def fill(store, *hours, kiosk="north-1", seq=0):
    """Store a normal reading, a fever, a retry and a minute of coverage in each of these hours."""
    records = []
    for hour in hours:
        at = BEGIN + hour * HOUR + 600
        seq += 10
        records += [
            arrived(seq + n, verdict, at=at + n, kiosk=kiosk, up_ms=seq * 1000 + n)
            for n, verdict in enumerate(("normal", "fever", "retry"))
        ]
        records.append(HealthArrived(health(at=at, kiosk=kiosk), at, "north"))
    store.commit(records)


def figures(store, site, kiosk="north-1"):
    day = read_day(store.db, site, DAY)
    (row,) = (row for row in day.kiosks if row.kiosk == kiosk)
    return row.normal, row.fever, row.retry, row.watched_minutes > 0, len(day.fevers)


def test_a_struck_kiosk_is_in_no_figure_and_its_fevers_are_still_listed(store, site):
    fill(store, 7, 8)
    fill(store, 7, kiosk="north-2")
    done = strike(site, request())
    assert (done.people, done.fevers) == (4, 2)
    assert figures(store, site) == (0, 0, 0, False, 1)
    assert figures(store, site, "north-2")[:3] == (1, 1, 1)
    day = read_day(store.db, site, DAY, most_struck=10)
    assert [fever.kiosk for fever in day.struck] == ["north-1", "north-1"]
    assert [(entry.by, entry.reason) for entry in day.strikes] == [("李伟", "stolen")]
    assert [crowd.kiosk for crowd in crowds(store.db, site, BEGIN, END)] == ["north-2"]


def test_only_the_hours_after_the_theft_are_struck(store, site):
    fill(store, 7, 8, 9)
    done = strike(site, request(begin=8, end=9))
    struck = [of_fever([done], "north-1", at) for at in (done.begin, done.end - 1, done.end)]
    assert struck == [done, done, None]
    assert figures(store, site) == (2, 2, 2, True, 2)


def test_readings_that_arrive_later_for_a_struck_hour_do_not_count_either(store, site):
    fill(store, 7)
    strike(site, request())
    fill(store, 7, 8, seq=500)
    assert figures(store, site) == (0, 0, 0, False, 0)


def test_a_strike_that_is_taken_back_restores_the_figures_and_stays_noted(store, site):
    fill(store, 7, 8)
    before = figures(store, site)
    strike(site, request())
    (record,) = take_back(site, request(by="王芳", reason="wrong kiosk"))
    assert figures(store, site) == before
    day = read_day(store.db, site, DAY, most_struck=10)
    assert day.strikes == [record] and not day.struck
    assert (record.by, record.undone_by, record.undone_reason) == (
        "李伟",
        "王芳",
        "wrong kiosk",
    )
    with pytest.raises(StrikeError, match="not_struck"):
        take_back(site, request())


@pytest.mark.parametrize(
    "request_fields, reason",
    [
        ({"kiosk": "south-1"}, "trusted"),
        ({"kiosk": "south-1", "trusted": True}, "nothing"),
        ({"begin": 9, "end": 9}, "hours"),
        ({"end": 25}, "hours"),
        ({"day": date(2999, 1, 1)}, "future"),
        ({"by": " "}, "by"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": "a\x1b[31m"}, "reason"),
    ],
)
def test_an_invalid_strike_is_refused_with_its_reason(store, site, request_fields, reason):
    fill(store, 7)
    before = figures(store, site)
    with pytest.raises(StrikeError, match=reason):
        strike(site, request(**request_fields))
    assert figures(store, site) == before


def test_the_same_hours_are_not_struck_twice(store, site):
    fill(store, 7)
    strike(site, request())
    with pytest.raises(StrikeError, match="struck"):
        strike(site, request(begin=7, end=8))


def test_a_day_has_no_more_strikes_than_one_message_holds(store, site, monkeypatch):
    monkeypatch.setattr("fevergate.storage.strikes.MOST_STRIKES", 2)
    fill(store, 7)
    for _ in range(2):
        strike(site, request())
        take_back(site, request())
    with pytest.raises(StrikeError) as refused:
        strike(site, request())
    assert refused.value.reason == "often"


def test_a_kiosk_that_was_revoked_before_its_new_credential_is_trusted(store, site):
    fill(store, 7)
    (site.folder / "revoked.jsonl").unlink()
    revoke(site.folder, at="2026-11-20T00:00:00Z")
    with pytest.raises(StrikeError, match="trusted"):
        strike(site, request())
    assert strike(site, request(trusted=True)).people == 2


def test_today_is_struck_up_to_the_end_of_the_present_hour(store, site, monkeypatch):
    """A new board under the same name counts from the next hour on."""
    fill(store, 7)
    monkeypatch.setattr("fevergate.storage.strikes.time.time", lambda: BEGIN + 8 * HOUR + 5)
    assert strike(site, request()).end == BEGIN + 9 * HOUR
    fill(store, 10, seq=500)
    assert figures(store, site) == (1, 1, 1, True, 1)


hours = st.lists(st.integers(0, 23), max_size=6)
spans = st.tuples(st.integers(0, 23), st.integers(1, 24))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("come"), hours),
        st.tuples(st.just("strike"), spans),
        st.tuples(st.just("back"), st.integers(0, 5)),
    ),
    max_size=12,
)


@examples(max_examples=30, deadline=None)
@given(steps)
def test_after_any_strikes_and_returns_the_figures_are_those_of_the_hours_left(
    tmp_path_factory, steps
):
    """Readings arrive in between, in any order."""
    site = settings()
    site.folder = tmp_path_factory.mktemp("strikes")
    revoke(site.folder)
    store = Store(site.path(site.database))
    hours_read: list[int] = []
    struck: dict[int, tuple[int, int]] = {}
    for number, (step, value) in enumerate(steps):
        if step == "come":
            fill(store, *value, seq=1000 * number)
            hours_read += value
        elif step == "strike":
            try:
                done = strike(site, request(begin=value[0], end=value[1]))
            except StrikeError:
                continue
            struck[done.id] = value
        elif struck:
            number = sorted(struck)[value % len(struck)]
            take_back(site, request(), number)
            del struck[number]
    try:
        hours = [h for h in hours_read if not any(a <= h < b for a, b in struck.values())]
        day = read_day(store.db, site, DAY, most_struck=10_000)
        (row,) = (row for row in day.kiosks if row.kiosk == "north-1")
        assert (row.normal, row.fever, row.retry) == (len(hours),) * 3
        assert len(day.fevers) == len(hours)
        assert len(day.struck) == len(hours_read) - len(hours)
        assert len(Fevers(store.db, BEGIN, BEGIN + 24 * HOUR)) == len(hours)
    finally:
        store.close()


def run(site, *arguments):
    path = site.folder / "gateway.toml"
    path.write_text(
        'campus = "east"\ngateway = "gw-east"\nlanguage = "en"\n[[gates]]\nname = "north"\n'
        'kiosks = ["north-2"]\npins = "gate1"\n'
    )
    return CliRunner().invoke(cli, [*arguments, "--settings", str(path)])


def test_the_command_says_what_it_struck_and_the_log_shows_it(store, site):
    fill(store, 7)
    options = ("--date", "2026-11-23", "--by", "Li Wei", "--because", "stolen at noon")
    done = run(site, "strike", "north-1", *options)
    assert done.exit_code == 0, done.output
    assert "2 people, 1 fever(s); by Li Wei" in done.output
    table = run(site, "log", "--date", "2026-11-23").output
    assert "by Li Wei" in table and "stolen at noon" in table
    csv = run(site, "log", "--date", "2026-11-23", "--format", "csv").output.splitlines()
    assert len(csv) == 2 and csv[1].endswith("Li Wei: stolen at noon")
    document = json.loads(run(site, "log", "--date", "2026-11-23", "--format", "json").output)
    assert len(document["struck"]) == 1 and not document["fevers"]
    undo = run(site, "strike", "north-1", *options, "--undo")
    assert undo.exit_code == 0 and "Counts again" in undo.output


def test_the_command_refuses_a_kiosk_that_was_not_revoked_and_says_what_to_do(store, site):
    fill(store, 7, kiosk="north-2")
    options = ("--date", "2026-11-23", "--by", "Li Wei", "--because", "x")
    done = run(site, "strike", "north-2", *options)
    assert done.exit_code != 0 and "provision revoke" in str(done.exception)
    assert run(site, "strike", "north-2", *options, "--from", "7:30").exit_code == 2
    assert run(site, "strike", "north-2", *options, "--not-revoked").exit_code == 0
