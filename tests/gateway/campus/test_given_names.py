"""What people call gates and kiosks reaches the campus server's report and notices."""

import msgspec
import pytest
from campus_site import DAY, Parts, after, counts, fever, local, over

from fevergate.campus.account_store import AccountStore
from fevergate.campus.escalation import Escalation
from fevergate.campus.given_names import read_names
from fevergate.campus.report_sheet import ReportText
from fevergate.forwarding.http_sender import given_names
from fevergate.protocol.campus_messages import Delivery, GivenNames
from fevergate.provision import provision
from fevergate.provision.files import read_toml, write_toml
from fevergate.provision.titles import Titles, set_kiosk_titles
from fevergate.settings.contacts import Contact
from fevergate.settings.gateway import load_gateway
from fevergate.texts.translations import translator
from fevergate.web_common.notice_log import Notices

NAMES = GivenNames(gates={"north": ("北门", "North gate")}, kiosks={"north-1": ("左侧", "")})
CONTACT = Contact(name="陈静", channel="webhook", address="https://example.edu.cn/hook")


@pytest.fixture
def parts(tmp_path):
    parts = Parts(tmp_path, contacts=[CONTACT])
    yield parts
    parts.close()


def keep(parts, *items, names: GivenNames | None = NAMES):
    parts.store.keep(Delivery(campus="east", gateway="gw-east", items=list(items), names=names))


def tables(parts, language):
    text = ReportText(
        parts.settings.zone,
        language,
        translator(language),
        lambda: read_names(parts.database, language),
    )
    return [list(text.table(name, parts.report()).rows) for name in ("gates", "kiosks", "fevers")]


def test_the_report_names_gates_and_kiosks_as_people_do(parts):
    keep(parts, over(counts(fever=1)), fever())
    gates, kiosks, fevers = tables(parts, "zh")
    assert gates[0][:2] == ["东校区", "北门"] and kiosks[0][1:3] == ["北门", "左侧"]
    assert fevers[0][2:4] == ["北门", "左侧"]
    assert tables(parts, "en")[2][0][2:4] == ["North gate", "north-1"]


def test_new_names_leave_reports_as_they_are_and_no_names_delete_none(parts):
    keep(parts, over(counts(fever=1)), fever())
    before = msgspec.json.encode(parts.report())
    keep(parts, names=GivenNames(gates={"north": ("大门", "Gate")}))
    keep(parts, names=None)
    assert tables(parts, "zh")[0][0][1] == "大门"
    assert msgspec.json.encode(parts.report()) == before


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "zh",
            [
                ("东校区 · 测温机 · 左侧 · 校门", "北门", "south"),
                ("东校区 · 发热 · 左侧 · north-1/1/1", "无", "新增"),
                ("东校区 · 发热 · 左侧 · north-1/1/2 · 确认时间", "无", "2026-11-23 09:00:30"),
                ("东校区 · 发热 · 左侧 · north-1/1/2 · 结案", "否", "是"),
            ],
        ),
        (
            "en",
            [
                ("East · Kiosk · north-1 · Gate", "North gate", "south"),
                ("East · Fever · north-1/1/1", "none", "added"),
                ("East · Fever · north-1/1/2 · Acknowledged", "none", "2026-11-23 09:00:30"),
                ("East · Fever · north-1/1/2 · Closed", "No", "Yes"),
            ],
        ),
    ],
)
def test_what_a_version_corrects_is_in_words_with_the_names_that_people_use(
    parts, language, expected
):
    keep(parts, over(counts(fever=1)), fever(2))
    parts.reports.make(DAY)
    at = local(f"{DAY} 09:00:30")
    moved_counts = msgspec.structs.replace(counts(fever=2), gate="south")
    closed = after(2, outcome="released", closed=True)
    keep(
        parts,
        over(moved_counts, revision=2),
        fever(),
        fever(2, revision=2, acknowledged_at=at),
        closed,
    )
    parts.reports.make(DAY)
    report, version = parts.reports.read(DAY, 2)
    text = ReportText(
        parts.settings.zone,
        language,
        translator(language),
        lambda: read_names(parts.database, language),
    )
    corrections = text.corrections(version, report)
    assert set(expected) <= set(corrections), corrections
    assert not [row for row in corrections if "gw-east" in row[0] or "✓" in row]


def test_a_notice_of_a_fever_says_where_to_go(parts):
    keep(parts, fever())
    notices = Notices(AccountStore(parts.database, parts.now), parts.settings)
    parts.now.at += 3600
    Escalation(parts.database, parts.settings, notices, parts.now).fevers()
    (notice,) = notices.recent(5)
    assert "北门" in notice.subject and "北门" in notice.body and "左侧" in notice.body


def test_a_gateway_tells_the_names_that_its_settings_have_now(tmp_path):
    folder = tmp_path / "gateway"
    gates = {"north": ["north-1"]}
    provision(
        folder,
        campus="east",
        gateway="gw",
        gates=gates,
        gate_titles={"north": Titles("北门", "North gate")},
    )
    settings = load_gateway(folder / "gateway.toml")
    assert given_names(settings) == GivenNames(gates={"north": ("北门", "North gate")})
    document = read_toml(folder / "gateway.toml")
    set_kiosk_titles(document, "north-1", Titles("左侧"))
    write_toml(folder / "gateway.toml", document)
    assert given_names(settings).kiosks == {"north-1": ("左侧", "左侧")}
    (folder / "gateway.toml").write_text("damaged")
    assert given_names(settings).gates
