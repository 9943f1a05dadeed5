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


def asked(**fields):
    values: dict[str, Any] = {"kiosk": "north-1", "day": DAY, "by": "李伟", "reason": "stolen"}
    return StrikeRequest(**(values | fields))


@pytest.fixture
def ours(tmp_path):
    """Settings of a gateway whose kiosk north-1 was revoked."""
    ours = settings()
    ours.folder = tmp_path
    revoke(tmp_path)
    return ours


@pytest.fixture
def store(ours):
    store = Store(ours.path(ours.database))
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


def figures(store, ours, kiosk="north-1"):
    day = read_day(store.db, ours, DAY)
    (row,) = (row for row in day.kiosks if row.kiosk == kiosk)
    return row.normal, row.fever, row.retry, row.watched_minutes > 0, len(day.fevers)


def test_a_struck_kiosk_is_in_no_figure_and_its_fevers_are_still_listed(store, ours):
    fill(store, 7, 8)
    fill(store, 7, kiosk="north-2")
    done = strike(ours, asked())
    assert (done.people, done.fevers) == (4, 2)
    assert figures(store, ours) == (0, 0, 0, False, 1)
    assert figures(store, ours, "north-2")[:3] == (1, 1, 1)
    day = read_day(store.db, ours, DAY, most_struck=10)
    assert [fever.kiosk for fever in day.struck] == ["north-1", "north-1"]
    assert [(entry.by, entry.reason) for entry in day.strikes] == [("李伟", "stolen")]
    assert [crowd.kiosk for crowd in crowds(store.db, ours, BEGIN, END)] == ["north-2"]


def test_only_the_hours_after_the_theft_are_struck(store, ours):
    fill(store, 7, 8, 9)
    done = strike(ours, asked(begin=8, end=9))
    struck = [of_fever([done], "north-1", at) for at in (done.begin, done.end - 1, done.end)]
    assert struck == [done, done, None]
    assert figures(store, ours) == (2, 2, 2, True, 2)


def test_readings_that_arrive_later_for_a_struck_hour_do_not_count_either(store, ours):
    fill(store, 7)
    strike(ours, asked())
    fill(store, 7, 8, seq=500)
    assert figures(store, ours) == (0, 0, 0, False, 0)


def test_a_strike_that_is_taken_back_restores_the_figures_and_stays_noted(store, ours):
    fill(store, 7, 8)
    before = figures(store, ours)
    strike(ours, asked())
    (back,) = take_back(ours, asked(by="王芳", reason="wrong kiosk"))
    assert figures(store, ours) == before
    day = read_day(store.db, ours, DAY, most_struck=10)
    assert day.strikes == [back] and not day.struck
    assert (back.by, back.undone_by, back.undone_reason) == ("李伟", "王芳", "wrong kiosk")
    with pytest.raises(StrikeError, match="not_struck"):
        take_back(ours, asked())


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
def test_an_invalid_strike_is_refused_with_its_reason(store, ours, request_fields, reason):
    fill(store, 7)
    before = figures(store, ours)
    with pytest.raises(StrikeError, match=reason):
        strike(ours, asked(**request_fields))
    assert figures(store, ours) == before


def test_the_same_hours_are_not_struck_twice(store, ours):
    fill(store, 7)
    strike(ours, asked())
    with pytest.raises(StrikeError, match="struck"):
        strike(ours, asked(begin=7, end=8))


def test_a_day_has_no_more_strikes_than_one_message_holds(store, ours, monkeypatch):
    monkeypatch.setattr("fevergate.storage.strikes.MOST_STRIKES", 2)
    fill(store, 7)
    for _ in range(2):
        strike(ours, asked())
        take_back(ours, asked())
    with pytest.raises(StrikeError) as refused:
        strike(ours, asked())
    assert refused.value.reason == "often"


def test_a_kiosk_that_was_revoked_before_its_new_credential_is_trusted(store, ours):
    fill(store, 7)
    (ours.folder / "revoked.jsonl").unlink()
    revoke(ours.folder, at="2026-11-20T00:00:00Z")
    with pytest.raises(StrikeError, match="trusted"):
        strike(ours, asked())
    assert strike(ours, asked(trusted=True)).people == 2


def test_today_is_struck_up_to_the_end_of_the_present_hour(store, ours, monkeypatch):
    """A new board under the same name counts from the next hour on."""
    fill(store, 7)
    monkeypatch.setattr("fevergate.storage.strikes.time.time", lambda: BEGIN + 8 * HOUR + 5)
    assert strike(ours, asked()).end == BEGIN + 9 * HOUR
    fill(store, 10, seq=500)
    assert figures(store, ours) == (1, 1, 1, True, 1)


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
    ours = settings()
    ours.folder = tmp_path_factory.mktemp("strikes")
    revoke(ours.folder)
    store = Store(ours.path(ours.database))
    came: list[int] = []
    struck: dict[int, tuple[int, int]] = {}
    for number, (what, how) in enumerate(steps):
        if what == "come":
            fill(store, *how, seq=1000 * number)
            came += how
        elif what == "strike":
            try:
                done = strike(ours, asked(begin=how[0], end=how[1]))
            except StrikeError:
                continue
            struck[done.id] = how
        elif struck:
            number = sorted(struck)[how % len(struck)]
            take_back(ours, asked(), number)
            del struck[number]
    try:
        left = [h for h in came if not any(a <= h < b for a, b in struck.values())]
        day = read_day(store.db, ours, DAY, most_struck=10_000)
        (row,) = (row for row in day.kiosks if row.kiosk == "north-1")
        assert (row.normal, row.fever, row.retry) == (len(left),) * 3
        assert len(day.fevers) == len(left)
        assert len(day.struck) == len(came) - len(left)
        assert len(Fevers(store.db, BEGIN, BEGIN + 24 * HOUR)) == len(left)
    finally:
        store.close()


def run(ours, *arguments):
    path = ours.folder / "gateway.toml"
    path.write_text(
        'campus = "east"\ngateway = "gw-east"\nlanguage = "en"\n[[gates]]\nname = "north"\n'
        'kiosks = ["north-2"]\npins = "gate1"\n'
    )
    return CliRunner().invoke(cli, [*arguments, "--settings", str(path)])


def test_the_command_says_what_it_struck_and_the_log_shows_it(store, ours):
    fill(store, 7)
    who = ("--date", "2026-11-23", "--by", "Li Wei", "--because", "stolen at noon")
    done = run(ours, "strike", "north-1", *who)
    assert done.exit_code == 0, done.output
    assert "2 people, 1 fever(s); by Li Wei" in done.output
    table = run(ours, "log", "--date", "2026-11-23").output
    assert "by Li Wei" in table and "stolen at noon" in table
    csv = run(ours, "log", "--date", "2026-11-23", "--format", "csv").output.splitlines()
    assert len(csv) == 2 and csv[1].endswith("Li Wei: stolen at noon")
    document = json.loads(run(ours, "log", "--date", "2026-11-23", "--format", "json").output)
    assert len(document["struck"]) == 1 and not document["fevers"]
    back = run(ours, "strike", "north-1", *who, "--undo")
    assert back.exit_code == 0 and "Counts again" in back.output


def test_the_command_refuses_a_kiosk_that_was_not_revoked_and_says_what_to_do(store, ours):
    fill(store, 7, kiosk="north-2")
    who = ("--date", "2026-11-23", "--by", "Li Wei", "--because", "x")
    done = run(ours, "strike", "north-2", *who)
    assert done.exit_code != 0 and "provision revoke" in str(done.exception)
    assert run(ours, "strike", "north-2", *who, "--from", "7:30").exit_code == 2
    assert run(ours, "strike", "north-2", *who, "--not-revoked").exit_code == 0
