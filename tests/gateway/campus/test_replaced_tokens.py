"""Rows that a thief sent by a stolen gateway token stay after the token was replaced. They are
listed and can be struck from the reports; a strike is shown and can be taken back."""

import msgspec
import pytest
from campus_site import DAY, Parts, after, counts, delivery, fever, local, over, so_far
from click.testing import CliRunner
from played_calendar import World
from sqlalchemy import select

from fevergate.campus.replaced import replaced_rows
from fevergate.campus.report_sheet import ReportText
from fevergate.campus.schema import audit, changed
from fevergate.campus.strikes import TokenStrikeWriter, read_strikes
from fevergate.campus.unacknowledged import unacknowledged_fevers
from fevergate.cli import cli
from fevergate.errors import StrikeError
from fevergate.protocol.campus_messages import HourSummary, StruckSpan
from fevergate.texts.translations import translator

ON = "2026-09-01"
OLD, NEW = "a" * 16, "0" * 16
STOLEN_AT = local(f"{DAY} 07:00")


@pytest.fixture
def parts(tmp_path, database_text):
    """The token in use is `NEW`."""
    parts = Parts(tmp_path, database_text)
    yield parts
    parts.close()


def keep(parts, *items, token, epoch="", at=None):
    parts.now.at = local(at) if at else parts.now.at
    body = msgspec.structs.replace(delivery(*items), epoch=epoch)
    parts.store.keep(body, token)


def register(parts, by="李伟", reason="stolen"):
    return TokenStrikeWriter(parts.database, parts.settings, parts.now, by=by, reason=reason)


def strike(parts, epoch=None, since=STOLEN_AT):
    return register(parts).strike("gw-east", OLD[:4], epoch, since)


def theft(parts):
    """Keep a thief's figures, and the true ones that the gateway sends under its new token."""
    lies = over(counts("lie-1", normal=40, fever=1))
    keep(parts, lies, fever(1, kiosk="lie-1"), so_far("lie-1", normal=40), token=OLD, epoch="f00d")
    keep(parts, over(counts(normal=10, fever=1)), fever(1), token=NEW, epoch="ca4d")


def figures(parts, day=DAY):
    east = parts.campus("east", day)
    return east.state, east.figures and (east.figures.screened, east.figures.fevers)


def test_what_a_thief_sent_is_named_struck_shown_and_taken_back(parts):
    theft(parts)
    assert parts.reports.make(DAY) == 1
    assert figures(parts) == ("reported", (52, 2))
    (row,) = replaced_rows(parts.database, parts.settings)
    assert (row.gateway, row.token, row.epoch) == ("gw-east", OLD, "f00d")
    assert (row.rows, row.fevers, row.first_day, row.last_day) == (3, 1, DAY, DAY)

    number = strike(parts).id
    assert figures(parts) == ("reported", (11, 1))
    assert parts.reports.changed(9, DAY) == [DAY] and parts.reports.make(DAY) == 2
    east = parts.campus()
    (row,) = east.rows_struck
    assert (row.by, row.reason, row.people, row.fevers) == ("李伟", "stolen", 41, 1)
    assert [(fever.kiosk, fever.struck) for fever in east.fevers] == [
        ("lie-1", True),
        ("north-1", False),
    ]
    assert [kiosk.kiosk for kiosk in east.kiosks] == ["north-1"]
    assert [case.event.kiosk for case in unacknowledged_fevers(parts.database, 0)] == ["north-1"]

    register(parts, reason="wrong one").take_back(number)
    assert figures(parts) == ("reported", (52, 2)) and parts.reports.make(DAY) == 3
    (row,) = parts.campus().rows_struck
    assert (row.undone_by, row.undone_reason, row.people) == ("李伟", "wrong one", 41)
    with parts.database.read() as connection:
        entries = connection.execute(select(audit.c.user, audit.c.action, audit.c.what)).all()
    assert [tuple(entry) for entry in entries] == [
        ("李伟", "strike", f"{number}: gw-east/aaaaaaaa: stolen"),
        ("李伟", "take back strike", f"{number}: gw-east/aaaaaaaa: wrong one"),
    ]


@pytest.mark.parametrize("language, word", [("zh", "已更换的令牌"), ("en", "replaced token")])
def test_the_report_says_who_struck_what_and_why_in_both_languages(parts, language, word):
    theft(parts)
    number = strike(parts).id
    say = translator(language)
    for reason in ("stolen", "wrong one"):
        report = parts.report()
        text = ReportText(parts.settings.zone, language, say)
        (line,) = text.struck(report)
        assert word in line and "李伟" in line and reason in line and OLD[:8] in line
        parts.reports.make(DAY)
        versions = parts.reports.versions(DAY)
        assert line in text.sheet(report, versions[0]).lines
        if reason == "stolen":
            register(parts, reason="wrong one").take_back(number)


def test_a_day_of_which_only_a_thief_has_spoken_is_missing_once_that_is_struck(parts):
    keep(parts, over(counts("lie-1", normal=40)), fever(1, kiosk="lie-1"), token=OLD)
    assert figures(parts)[0] == "reported"
    strike(parts)
    assert figures(parts) == ("missing", None)


def test_a_strike_of_a_thief_undoes_the_thiefs_own_strikes_and_follow_ups(parts):
    """Striking the thief's rows restores the hours that they struck and opens the case that they
    closed."""
    begin = local(f"{DAY} 00:00")
    span = StruckSpan(begin=begin, end=begin + 86400, at=begin, by="x", reason="y")
    keep(parts, so_far(normal=0, struck=[span]), token=OLD, epoch="f00d")
    keep(parts, after(1, revision=9, outcome="released", closed=True), token=OLD)
    keep(parts, over(counts(normal=10, fever=1)), fever(1), token=NEW, epoch="ca4d")
    parts.reports.make(DAY)
    assert figures(parts) == ("uncovered", (0, 0))
    strike(parts)
    assert DAY in parts.reports.changed(9, DAY)
    east = parts.campus()
    assert figures(parts) == ("reported", (11, 1))
    assert not east.fevers[0].closed and len(unacknowledged_fevers(parts.database, 0)) == 1


def test_a_follow_up_alone_has_its_fevers_day_made_anew(parts):
    keep(parts, over(), fever(1), token=NEW)
    keep(parts, after(1, outcome="released", closed=True), token=OLD)
    parts.reports.make(DAY)
    strike(parts)
    assert parts.reports.changed(9, DAY) == [DAY]


def test_what_came_before_the_theft_or_of_another_epoch_stays(parts):
    keep(parts, over(counts(normal=5)), token=OLD, epoch="01d", at=f"{DAY} 06:00")
    keep(parts, so_far("north-2", normal=7), token=OLD, epoch="01d2", at=f"{DAY} 20:00")
    keep(parts, so_far("lie-1", normal=50), token=OLD, epoch="f00d")
    keep(parts, over(counts(normal=10)), token=NEW, epoch="ca4d", at="2026-11-24 08:00")
    assert figures(parts)[1] == (72, 0)
    number = strike(parts, epoch="f00d").id
    assert figures(parts)[1] == (22, 0)
    register(parts).take_back(number)
    strike(parts)
    assert figures(parts)[1] == (15, 0)


@pytest.mark.parametrize(
    "gateway, token, reason",
    [
        ("gw-east", "0000", "in_use"),
        ("gw-east", "ffff", "nothing"),
        ("gw-east", "%", "nothing"),
        ("gw-east", "", "token"),
        ("gw-none", "aaaa", "nothing"),
    ],
)
def test_what_is_in_use_or_unknown_is_not_struck(parts, gateway, token, reason):
    theft(parts)
    with parts.database.write() as connection:
        connection.execute(changed.delete())
    with pytest.raises(StrikeError, match=reason):
        register(parts).strike(gateway, token, None, 0)
    assert read_strikes(parts.database) == [] and parts.reports.changed(9, DAY) == []


def test_a_strike_that_repeats_another_or_has_no_rows_is_refused_and_noted_nowhere(parts):
    theft(parts)
    with pytest.raises(StrikeError, match="nothing"):
        strike(parts, since=parts.now.at + 1)
    strike(parts)
    for epoch, since in ((None, STOLEN_AT), ("f00d", STOLEN_AT + 60)):
        with pytest.raises(StrikeError, match="struck"):
            strike(parts, epoch=epoch, since=since)
    with pytest.raises(StrikeError, match="not_struck"):
        register(parts).take_back(99)
    for by, reason in (("", "x"), ("x", "\n"), ("x" * 65, "y"), ("x", "y" * 201)):
        with pytest.raises(StrikeError):
            register(parts, by, reason)
    assert len(read_strikes(parts.database)) == 1


def test_after_a_simulated_theft_is_struck_the_true_days_are_left(tmp_path):
    """The thief knows the gateway's epoch, and sends hours and fevers that never were."""
    world = World(tmp_path, f"{ON} 06:00")
    world.start()
    world.day(people=3, fever_at="08:00")
    world.skip("2026-09-02 01:00")
    true = world.true(ON)
    assert world.figures(ON) == true
    stolen_at = world.now
    hours = [
        HourSummary(kiosk="lie-1", gate="north", hour=local(f"{ON} 08:00"), revision=9, normal=70),
        HourSummary(kiosk="north-1", gate="north", hour=local(f"{ON} 04:00"), revision=9, fever=8),
    ]
    lies = [fever(900 + n, day=ON) for n in range(5)]
    assert world.store
    epoch = world.store.db.execute("select value from meta where key = 'epoch'").fetchone()[0]
    body = msgspec.structs.replace(delivery(*hours, *lies), epoch=epoch)
    head = {"Authorization": f"Bearer {world.token}"}
    answer = world.http.post("/v1/summaries", content=msgspec.json.encode(body), headers=head)
    assert answer.status_code == 200
    assert world.figures(ON) != true
    world.give_token("another token")
    world.skip("2026-09-02 03:00")
    assert world.figures(ON) != true
    parts = world.campus
    (row,) = replaced_rows(parts.database, parts.settings)
    assert (row.rows, row.fevers) == (7, 5)
    register(parts).strike("gw-east", row.token, None, stolen_at)
    assert world.figures(ON) == true
    world.close()


@pytest.mark.parametrize("language, word", [("zh", "已剔除"), ("en", "struck")])
def test_the_command_lists_strikes_and_takes_back(tmp_path, language, word):
    parts = Parts(tmp_path)
    theft(parts)
    parts.close()
    path = tmp_path / "campus.toml"
    path.write_text(f'language = "{language}"\n[tokens]\ngw-east = "{"0" * 64}"\n')

    def run(*arguments):
        result = CliRunner().invoke(cli, ["strike-token", *arguments, "--settings", str(path)])
        return result.exit_code, result.output + str(result.exception or "")

    code, text = run()
    assert code == 0 and f"gw-east/{OLD[:8]}" in text and "f00d" in text and DAY in text
    reason = ("--by", "李伟", "--because", "stolen")
    code, text = run(f"gw-east/{OLD[:8]}", "--since", DAY, *reason)
    assert code == 0 and word in text and "李伟" in text
    assert word in run()[1]
    code, text = run(f"gw-east/{OLD[:8]}", "--since", DAY, *reason)
    assert code != 0 and "这些记录此前已剔除" in text and "by strike 1" in text
    assert run("--undo", "1", *reason)[0] == 0
    assert "not_struck" not in run("--undo", "1", *reason)[1]
    for options in (
        (f"gw-east/{OLD[:8]}", *reason),
        ("gw-east", "--since", DAY, *reason),
        ("--undo", "1"),
    ):
        assert run(*options)[0] == 2
