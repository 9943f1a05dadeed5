"""A day's report: zero is stated and never implied, missing data is called missing, and
corrections are shown."""

import hashlib
from zoneinfo import ZoneInfo

import msgspec
import pytest
from campus_site import DAY, Parts, after, counts, delivery, fever, local, over, so_far
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from fevergate.campus.report import keyed
from fevergate.campus.report_sheet import ReportText
from fevergate.crypto.field_encryption import Vault
from fevergate.errors import CampusError, ReportError, StoreError
from fevergate.protocol.campus_messages import GatewayDay
from fevergate.texts.translations import translator


@pytest.fixture
def parts(tmp_path, database_text):
    parts = Parts(tmp_path, database_text)
    yield parts
    parts.close()


def test_a_campus_that_has_not_reported_is_missing_and_has_no_figures(parts):
    parts.keep(over())
    west = parts.campus("west")
    assert (west.state, west.figures) == ("missing", None)
    report = parts.report()
    assert not report.zero and not report.complete
    assert [campus.campus for campus in report.missing] == ["west"] and report.total.screened == 10


def test_zero_is_stated_where_everybody_reported_and_watched(parts):
    parts.keep(over())
    parts.keep(over(counts(normal=7)), campus="west")
    report = parts.report()
    assert report.zero and report.total.screened == 17 and report.total.fevers == 0


def test_a_day_that_nobody_watched_is_no_zero(parts):
    parts.keep(over())
    parts.keep(over(counts(watched=0)), campus="west")
    assert parts.campus("west").state == "uncovered"
    assert not parts.report().zero


def test_a_gateway_that_has_not_said_that_the_day_is_over_has_reported_in_part(parts):
    parts.keep(so_far(normal=4, watched_minutes=60))
    east = parts.campus()
    assert (east.state, east.silent) == ("partial", ["gw-east"])
    assert east.figures and east.figures.screened == 4
    parts.keep(over(counts(normal=9)))
    east = parts.campus()
    assert (east.state, east.silent) == ("reported", []) and east.figures
    assert east.figures.screened == 9  # the whole day's count replaces the 4


def test_a_fever_counts_as_soon_as_it_is_reported_and_only_once(parts):
    parts.keep(fever())
    east = parts.campus()
    assert east.state == "partial" and east.figures
    assert (east.figures.fevers, east.figures.screened, east.figures.outstanding) == (1, 1, 1)
    parts.keep(over(counts(normal=5, fever=1)))
    figures = parts.campus().figures
    assert figures and (figures.fevers, figures.screened) == (1, 6)


@pytest.mark.parametrize(
    ("clinical_c", "site", "confirmed"),
    [
        (37.3, "axillary", True),
        (37.29, "axillary", False),
        (37.5, "oral", False),
        (37.6, "oral", True),
        (37.5, "ear", False),
        (None, "oral", False),
    ],
)
def test_the_limit_that_confirms_a_fever_depends_on_where_it_was_measured(
    parts, clinical_c, site, confirmed
):
    parts.keep(fever(), after(clinical_c=clinical_c, clinical_site=site))
    figures = parts.campus().figures
    assert figures and figures.confirmed == confirmed


def test_what_became_of_fevers_is_counted(parts):
    parts.keep(*(fever(seq) for seq in range(1, 6)))
    parts.keep(
        after(1, outcome="released", closed=True, clinical_c=36.9, clinical_site="axillary"),
        after(2, outcome="released"),  # not closed: still outstanding
        after(3, outcome="clinic", closed=True, clinical_c=38.5, clinical_site="ear"),
        after(9, outcome="released", closed=True),  # of a fever that has not arrived yet
    )
    figures = parts.campus().figures
    assert figures
    numbers = (figures.fevers, figures.confirmed, figures.released, figures.outstanding)
    assert numbers == (5, 1, 1, 3)


def test_a_campus_with_two_gateways_reports_when_both_have(tmp_path, database_text):
    from fevergate.campus.settings import Campus

    campuses = {"east": Campus(gateways=["gw-east", "gw-two"])}
    tokens = {"gw-east": "0" * 64, "gw-two": "1" * 64}
    parts = Parts(tmp_path, database_text, campuses=campuses, tokens=tokens)
    parts.keep(over(counts(normal=3)))
    assert parts.campus().state == "partial"
    second_delivery = delivery(over(counts(normal=4)))
    parts.store.keep(msgspec.structs.replace(second_delivery, gateway="gw-two"))
    east = parts.campus()
    # Both have a kiosk called north-1.
    assert east.state == "reported" and len(east.kiosks) == 2
    assert east.figures and east.figures.screened == 7
    parts.close()


def test_without_campuses_in_the_settings_each_that_ever_reported_is_expected(
    tmp_path, database_text
):
    parts = Parts(tmp_path, database_text, campuses={})
    assert parts.report().campuses == [] and not parts.report().zero
    parts.keep(over(day="2026-11-22"))
    assert parts.campus().state == "missing"
    parts.close()


ITEMS = [
    so_far(normal=3, revision=1),
    so_far(normal=8, revision=4),
    over(counts(normal=8, fever=2), counts("north-2", normal=1), revision=5),
    over(counts(normal=9, fever=2), counts("north-2", normal=1), revision=6),
    fever(1),
    fever(1, revision=2, acknowledged_at=local(f"{DAY} 09:05")),
    fever(2),
    after(1, outcome="home"),
    after(1, revision=2, outcome="clinic", closed=True, clinical_c=38.0, clinical_site="ear"),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_whatever_is_repeated_reordered_or_split_the_report_is_the_same(chance, size):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        straight, mixed = Parts(Path(folder), "a.db"), Parts(Path(folder), "b.db")
        straight.keep(*ITEMS)
        sent = ITEMS + chance.choices(ITEMS, k=5)
        chance.shuffle(sent)
        for n in range(0, len(sent), size):
            mixed.keep(*sent[n : n + size])
        assert keyed(mixed.report()) == keyed(straight.report())
        figures = mixed.campus().figures
        assert figures and (figures.screened, figures.fevers, figures.outstanding) == (12, 2, 1)
        straight.close()
        mixed.close()


def test_a_report_is_made_once_and_anew_only_where_something_changed(parts):
    parts.keep(over())
    assert parts.reports.make(DAY) == 1
    assert parts.reports.make(DAY) is None
    parts.keep(over())  # the same again, with nothing new
    assert parts.reports.changed(10, DAY) == []
    parts.keep(over(counts(normal=12), revision=2))
    assert parts.reports.changed(10, DAY) == [DAY]
    assert parts.reports.make(DAY) == 2
    assert parts.reports.changed(10, DAY) == []
    newest, first = parts.reports.versions(DAY)
    assert (newest.latest, first.latest, first.differences) == (True, False, [])
    differences = {
        (difference.what, difference.before, difference.now) for difference in newest.differences
    }
    assert ("campuses east figures screened", "10", "12") in differences
    assert ("total screened", "10", "12") in differences


def words(language):
    return ReportText(ZoneInfo("Asia/Shanghai"), language, translator(language))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            [
                ("West campus · Figures", "none", "added"),
                ("West campus · State", "MISSING", "reported"),
                ("West campus · Gateway · gw-west", "silent", "reported"),
            ],
        ),
        (
            "zh",
            [
                ("西校区 · 数字", "无", "新增"),
                ("西校区 · 状态", "缺报", "已报告"),
                ("西校区 · 网关 · gw-west", "失联", "已报告"),
            ],
        ),
    ],
)
def test_a_correction_has_the_campuss_full_title_and_is_in_one_language(parts, language, expected):
    parts.keep(over())
    parts.reports.make(DAY)
    parts.keep(over(), campus="west")
    parts.reports.make(DAY)
    report, version = parts.reports.read(DAY, 2)
    for campus in report.campuses:
        campus.title_en = f"{campus.title_en} campus"  # a title of two words
    assert set(expected) <= set(words(language).corrections(version, report))


def test_the_report_says_how_many_fevers_came_without_details(parts):
    sentence = "East: fevers that were counted without details, not in the list: 1."
    parts.keep(over(counts(normal=3, fever=2)), fever())
    report = parts.report()
    assert (report.total.fevers, len(report.campuses[0].fevers)) == (2, 1)
    assert sentence in words("en").gaps(report)
    parts.keep(fever(2))
    assert sentence not in words("en").gaps(parts.report())


def test_a_follow_up_that_comes_days_later_corrects_the_day_of_its_fever(parts):
    parts.keep(over(counts(normal=3, fever=1)), fever())
    parts.reports.make(DAY)
    parts.keep(after(outcome="released", closed=True, day="2026-11-26"))
    assert parts.reports.changed(10, "2026-11-30") == [DAY]
    assert parts.reports.make(DAY) == 2
    (newest, _) = parts.reports.versions(DAY)
    assert ("total outstanding", "1", "0") in {
        (difference.what, difference.before, difference.now) for difference in newest.differences
    }


def test_a_fever_that_turns_out_to_be_of_another_day_corrects_both(parts):
    parts.keep(fever(1))
    for day in (DAY, "2026-11-22"):
        parts.reports.make(day)
    correction = msgspec.structs.replace(fever(1), at=local("2026-11-22 23:59"), revision=2)
    parts.keep(correction)
    assert parts.reports.changed(10, DAY) == ["2026-11-22", DAY]


def test_only_the_newest_version_is_signed_and_only_a_signed_one_submitted(parts):
    parts.keep(over())
    parts.reports.make(DAY)
    with pytest.raises(ReportError, match="unsigned"):
        parts.reports.submit(DAY, 1, "Chen Jing", "province")
    parts.reports.sign(DAY, 1, "Chen Jing")
    with pytest.raises(ReportError, match="signed"):
        parts.reports.sign(DAY, 1, "Li Wei")
    parts.reports.submit(DAY, 1, "Chen Jing", "province")
    with pytest.raises(ReportError, match="submitted"):
        parts.reports.submit(DAY, 1, "Li Wei", "province")
    parts.keep(over(counts(normal=11), revision=2))
    parts.reports.make(DAY)
    with pytest.raises(ReportError, match="newer"):
        parts.reports.sign(DAY, 1, "Li Wei")
    with pytest.raises(ReportError, match="version"):
        parts.reports.sign(DAY, 3, "Li Wei")
    newest, first = parts.reports.versions(DAY)
    assert (newest.signed_at, newest.submitted_at) == (None, None)
    assert (first.signed_by, first.submitted_to, first.genuine) == ("Chen Jing", "province", True)


@pytest.mark.parametrize(
    "change",
    [
        "update reports set signed_by = 'Mallory'",
        "update reports set signed_at = signed_at + 1",
        "update reports set document = replace(document, '\"screened\":10', '\"screened\":99')",
        "update reports set sha256 = substr(sha256, 2) || substr(sha256, 1, 1), version = 1",
    ],
)
def test_a_version_that_was_tampered_with_is_not_genuine(parts, change):
    parts.keep(over())
    parts.reports.make(DAY)
    parts.reports.sign(DAY, 1, "Chen Jing")
    assert parts.reports.versions(DAY)[0].genuine
    with parts.database.write() as connection:
        connection.exec_driver_sql(change)
    assert not parts.reports.versions(DAY)[0].genuine


def test_whoever_can_write_the_database_cannot_sign(parts):
    parts.keep(over())
    parts.reports.make(DAY)
    parts.reports.sign(DAY, 1, "Chen Jing")
    with parts.database.write() as connection:
        (digest, at) = connection.exec_driver_sql("select sha256, signed_at from reports").one()
        forged = hashlib.sha256(f"{digest}\nMallory\n{at!r}".encode()).hexdigest()
        connection.execute(
            text("update reports set signed_by = 'Mallory', signature = :forged"),
            {"forged": forged},
        )
    assert not parts.reports.versions(DAY)[0].genuine


def test_names_are_stored_encrypted_and_deleted_after_their_time(parts, tmp_path):
    parts.keep(fever(), after(outcome="home", person="王芳", phone="138"))
    assert parts.store.persons("east", "north-1/1/1")["person"] == "王芳"
    with parts.database.read() as connection:
        rows = connection.execute(text("select payload, sealed from items")).all()
    assert "王芳" not in str(rows) and "138" not in str(rows)
    other_parts = Parts(tmp_path, parts.settings.database)
    other_parts.store._vault = Vault(tmp_path / "other.key")
    with pytest.raises(StoreError):
        other_parts.store.persons("east", "north-1/1/1")
    other_parts.close()
    assert parts.store.forget_persons(parts.now() - 1) == 0
    assert parts.store.forget_persons(parts.now() + 1) == 1
    assert parts.store.persons("east", "north-1/1/1") == {}


def test_a_database_error_is_raised_and_nothing_of_the_delivery_is_kept(parts):
    parts.keep(over())
    with parts.database.write() as connection:
        connection.execute(text("alter table changed rename to away"))
    with pytest.raises(CampusError):
        parts.keep(over(counts(normal=99), revision=2), fever())
    with parts.database.write() as connection:
        connection.execute(text("alter table away rename to changed"))
    figures = parts.campus().figures
    assert figures and (figures.screened, figures.fevers) == (10, 0)


def test_a_wrong_clock_of_a_gateway_is_shown(parts):
    parts.keep(over(), sent_at=parts.now() + 3600)
    (gateway,) = parts.store.heard()
    assert gateway.clock_off_s == 3600 and gateway.heard_at == parts.now()


def test_the_newest_refusals_are_kept_each_with_a_short_excerpt(parts, monkeypatch):
    from fevergate.campus import summary_store

    monkeypatch.setattr(summary_store, "MAX_REFUSALS", 5)
    for n in range(9):
        parts.store.refuse("gw-east", "$", f"reason {n}", b"\xff\0" + b"x" * 9999)
    refusals = parts.store.refused()
    assert [refusal.reason for refusal in refusals] == [f"reason {n}" for n in (8, 7, 6, 5, 4)]
    assert len(refusals[0].excerpt) <= 256


def test_a_gateways_day_holds_200_kiosks_and_no_more(parts):
    kiosks = [counts(f"k-{n}", normal=1) for n in range(200)]
    parts.keep(over(*kiosks))
    assert len(parts.campus().kiosks) == 200
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(over(*kiosks, counts("k-200"))), GatewayDay)
