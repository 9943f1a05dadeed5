"""Contacts on duty are told once of what nobody handles, and not woken by what is long over."""

import re
from dataclasses import replace

import msgspec
import pytest
from campus_site import DIGEST, Parts, counts, delivery, fever, local, over
from notice_helpers import contact

from fevergate.campus import unacknowledged
from fevergate.campus.account_store import AccountStore
from fevergate.campus.escalation import Escalation, ReportState
from fevergate.web_common.notice_log import Notices

DAY = "2026-11-24"
NOW = f"{DAY} 09:30"


class Scene(Parts):
    """Two campuses; `Chen` is told of both, `Li` of west alone and in English."""

    def __init__(self, folder, database):
        super().__init__(
            folder,
            database,
            NOW,
            contacts=[contact("Chen"), contact("Li", campuses=["west"], language="en")],
        )
        self.notices = Notices(AccountStore(self.database, self.now), self.settings)
        self.escalation = Escalation(self.database, self.settings, self.notices, self.now)

    def notice_rows(self, prefix=""):
        self.escalation.check()
        self.escalation.check()  # a second check changes nothing
        return [
            (notice.key, notice.contact)
            for notice in reversed(self.notices.recent(999))
            if notice.key.startswith(prefix)
        ]


@pytest.fixture
def scene(tmp_path, database_text):
    scene = Scene(tmp_path, database_text)
    yield scene
    scene.close()


def test_a_fever_that_nobody_acknowledges_is_told_once_after_its_minutes(scene):
    scene.now.at = local(f"{DAY} 09:05")
    scene.keep(fever(1, DAY))
    assert scene.notice_rows("fever/") == []
    scene.now.at += 600
    assert scene.notice_rows("fever/") == [("fever/east/north-1/1/1", "Chen")]
    (notice,) = scene.notices.recent()
    assert "东校区" in notice.subject and "38.2 °C" in notice.body and f"{DAY} 09:00" in notice.body


def test_a_fever_that_was_acknowledged_is_told_to_nobody(scene):
    scene.keep(fever(1, DAY, acknowledged_at=local(f"{DAY} 09:02")))
    assert scene.notice_rows("fever") == []


def test_a_fever_that_lights_late_is_given_its_minutes_from_then_on(scene):
    """The fever came late because its kiosk was offline."""
    scene.now.at = local(f"{DAY} 09:25")
    scene.keep(msgspec.structs.replace(fever(1, DAY), raised_at=scene.now()))
    scene.now.at += 599
    assert scene.notice_rows("fever") == []
    scene.now.at += 1
    assert scene.notice_rows("fever") == [("fever/east/north-1/1/1", "Chen")]


def test_the_next_level_is_told_where_nobody_takes_turns(scene):
    scene.settings.contacts = [contact("Chen"), contact("Li", level=2)]
    scene.now.at = local(f"{DAY} 09:11")
    scene.keep(fever(1, DAY))
    assert [name for _, name in scene.notice_rows("fever/")] == ["Chen"]
    scene.now.at += 600
    assert [name for _, name in scene.notice_rows("fever/")] == ["Chen", "Li"]


def test_only_those_of_its_campus_are_told_and_each_in_their_language(scene):
    scene.keep(fever(1, DAY), campus="west")
    assert scene.notice_rows("fever/") == [
        ("fever/west/north-1/1/1", "Chen"),
        ("fever/west/north-1/1/1", "Li"),
    ]
    subjects = {notice.contact: notice.subject for notice in scene.notices.recent()}
    assert "West" in subjects["Li"] and "西校区" in subjects["Chen"]


def test_a_flood_by_one_kiosk_is_bounded_and_hides_nobody_elses_fever(scene, monkeypatch):
    monkeypatch.setattr(unacknowledged, "MAX_OF_KIOSK", 3)
    scene.keep(*(fever(seq, DAY) for seq in range(1, 9)))
    scene.keep(fever(1, DAY, kiosk="north-2"))
    kiosks = [
        unseen.event.kiosk for unseen in unacknowledged.unacknowledged_fevers(scene.database, 0)
    ]
    assert sorted(kiosks) == ["north-1"] * 3 + ["north-2"]


def test_no_name_of_a_person_leaves_the_campus(scene):
    scene.keep(fever(1, DAY, acknowledged_by="王芳"))
    scene.notice_rows()
    assert "王芳" not in str(scene.notices.recent())


@pytest.mark.parametrize("later_s", [2 * 3600, 6 * 86_400])
def test_a_backlog_after_days_is_one_message_and_not_two_hundred(scene, later_s):
    scene.keep(*(fever(seq, "2026-11-20") for seq in range(1, 201)))
    scene.now.at += later_s
    rows = scene.notice_rows("fever")
    assert len(rows) == 1 and rows[0][0].startswith("fevers/east/")
    (notice,) = [notice for notice in scene.notices.recent() if notice.key == rows[0][0]]
    assert "200" in notice.subject


def test_old_fevers_are_told_in_one_hourly_notice_whichever_server_tells_them(scene):
    def hourly_notices():
        for server in (scene.escalation, replace(scene.escalation)):
            server.fevers()
        notices = [notice for notice in scene.notices.recent(999) if notice.contact == "Chen"]
        return [(notice.campus, re.findall(r"\d+", notice.subject)) for notice in reversed(notices)]

    scene.keep(*(fever(seq, "2026-11-20") for seq in (1, 2, 3)))
    scene.keep(fever(1, "2026-11-20"), campus="west")
    scene.now.at = local(f"{DAY} 10:00")
    scene.keep(fever(4, "2026-11-20"))
    scene.now.at += 599
    assert hourly_notices() == []
    scene.now.at += 1
    first = [("east", ["3"]), ("west", ["1"])]
    assert hourly_notices() == first
    scene.now.at += 3599
    assert hourly_notices() == first
    scene.now.at += 1
    assert hourly_notices() == [*first, ("east", ["1"])]


def test_a_gateway_whose_token_is_gone_is_missed_by_nobody(scene):
    old = msgspec.structs.replace(delivery(), gateway="gw-old")
    scene.store.keep(old)
    scene.now.at += 3600
    scene.keep()
    scene.keep(campus="west")
    assert scene.notice_rows("silent/") == []
    scene.settings.tokens["gw-old"] = DIGEST
    assert [key.split("/")[2] for key, _ in scene.notice_rows("silent/")] == ["gw-old"]


def test_a_silence_is_told_once_and_its_end(scene):
    scene.keep(over(counts(normal=1)))
    scene.keep(over(counts(normal=1)), campus="west")
    scene.now.at += 3599
    assert scene.notice_rows() == []
    scene.now.at += 1
    scene.keep(campus="west")
    heard_at = int(scene.now.at - 3600)
    assert scene.notice_rows() == [(f"silent/east/gw-east/{heard_at}", "Chen")]
    scene.now.at += 600
    scene.keep()
    rows = scene.notice_rows()
    assert len(rows) == 2 and rows[1][0].startswith("heard/east/gw-east/")
    scene.now.at += 3601
    scene.keep(campus="west")
    assert len(scene.notice_rows("silent/")) == 2  # another silence


def test_a_gateway_that_sends_and_is_refused_is_told_as_that_and_not_as_silent(scene):
    scene.keep()
    scene.keep(campus="west")
    heard_at = int(scene.now.at)
    scene.now.at += 3601
    scene.keep(campus="west")
    scene.store.refuse("gw-east", "$.items[0]", "kiosks: expected at most 3", b"{}")
    assert scene.notice_rows() == [(f"untaken/east/gw-east/{heard_at}", "Chen")]
    assert "未接收" in scene.notices.recent()[0].body
    scene.now.at += 1800
    assert len(scene.notice_rows()) == 1
    scene.now.at += 1801  # and now it sends nothing
    scene.keep(campus="west")
    assert scene.notice_rows("silent/") == [(f"silent/east/gw-east/{heard_at}", "Chen")]
    scene.now.at += 1
    scene.keep()
    assert len(scene.notice_rows("heard/east")) == 1


def test_a_gateway_that_was_never_heard_is_told_once_the_server_has_waited(scene):
    scene.keep()
    scene.now.at += 3599
    assert scene.notice_rows() == []
    scene.now.at += 1
    scene.keep()
    assert [key for key, name in scene.notice_rows() if name == "Chen"] == [
        "silent/west/gw-west/never"
    ]


@pytest.mark.parametrize(
    ("clock", "keys"),
    [
        ("08:29", []),
        ("08:30", ["remind/2026-11-23"]),
        ("08:59", ["remind/2026-11-23"]),
        ("09:00", ["late/2026-11-23"]),
        ("23:00", ["late/2026-11-23"]),
    ],
)
def test_a_report_that_is_not_handed_in_is_told_before_and_after_its_deadline(scene, clock, keys):
    scene.now.at = local(f"{DAY} {clock}")
    state = ReportState(missing=["west"], signed=False, submitted=False)
    for _ in range(2):
        scene.escalation.remind("2026-11-23", state)
    assert sorted({notice.key for notice in scene.notices.recent()}) == keys
    if keys:
        body = next(notice.body for notice in scene.notices.recent() if notice.contact == "Chen")
        assert "缺报：西校区" in body and "未签" in body


def test_a_report_that_is_late_by_a_day_is_told_no_more(scene):
    scene.now.at = local("2026-11-25 09:00")
    scene.escalation.remind("2026-11-23", ReportState(missing=[], signed=False, submitted=False))
    assert scene.notices.recent() == []


def test_a_report_that_was_handed_in_reminds_nobody(scene):
    scene.now.at = local(f"{DAY} 08:45")
    state = ReportState(missing=[], signed=True, submitted=True)
    scene.escalation.remind("2026-11-23", state)
    assert scene.notices.recent() == []


def test_a_fever_whose_clock_is_ahead_waits_no_longer_than_the_others(scene):
    ahead = msgspec.structs.replace(
        fever(1, DAY), at=scene.now() + 86400, raised_at=scene.now() + 86400
    )
    scene.store.keep(delivery(ahead))
    scene.now.at += 601
    assert scene.notice_rows("fever/") == [("fever/east/north-1/1/1", "Chen")]
