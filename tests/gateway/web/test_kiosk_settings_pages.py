"""The pages name kiosks, show the values in force, change many kiosks at once and explain
mistakes."""

import json
import re

import pytest
from click.testing import CliRunner
from pages_site import GOOD, OURS, post
from samples import health
from starlette.testclient import TestClient

from fevergate.cli import cli
from fevergate.errors import KioskValueError
from fevergate.kiosks.remote_settings import current, values_of
from fevergate.kiosks.setting_words import SETTINGS, refusal_in_words, wrong_in_words
from fevergate.mqtt.one_shot import read_retained
from fevergate.operations import doctor_supply
from fevergate.protocol.messages import Applied, CalibrationRecord
from fevergate.settings.gateway import load_gateway
from fevergate.storage.records import HealthArrived, SettingsApplied
from fevergate.storage.store import Store
from fevergate.texts.translations import translator
from fevergate.web.app import Pages
from harness.site import Site
from kiosk.errors import SettingsError
from kiosk.settings import Settings

AT = 1_795_400_000.0
GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}
CHINESE = translator("zh")
SETTINGS_OF = "fevergate/v1/east/"


class Campus:
    """A provisioned folder with its broker, and the pages that read it."""

    def __init__(self, folder):
        self.site = Site(folder, GATES, threshold_c=37.2)
        self.site.broker.start()
        self.store = Store(self.site.database)
        self.pages = Pages(load_gateway(self.site.settings_path))
        self.pages.accounts.begin(self.pages.accounts.invite(), "李伟", GOOD)
        self.client = TestClient(self.pages.app, base_url="https://pages", follow_redirects=False)
        self.client.cookies.set("fevergate-language", "zh")
        self.client.post("/sign-in", data={"name": "李伟", "password": GOOD}, headers=OURS)

    @property
    def file(self):
        return load_gateway(self.site.settings_path)

    def retained(self, kiosk):
        return current(self.pages.settings.as_user("admin"), kiosk)

    def answers(self, kiosk, version, error=""):
        applied = Applied(kiosk=kiosk, version=version, error=error)
        self.store.commit([SettingsApplied(applied, AT, kiosk.partition("-")[0])])

    def close(self):
        self.store.close()
        self.pages.store.close()
        self.site.broker.stop()


@pytest.fixture
def campus(tmp_path):
    campus = Campus(tmp_path / "site")
    yield campus
    campus.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A campus shared by tests that change no kiosk's settings."""
    campus = Campus(tmp_path_factory.mktemp("refused") / "site")
    yield campus
    campus.close()


def row(campus, kiosk):
    """A kiosk's cells in the table of all kiosks."""
    page = campus.client.get("/admin/settings").text
    match = re.search(rf'<tr><th scope="row"><a href="/admin/kiosks/{kiosk}">.*?</tr>', page, re.S)
    assert match
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.split("<t[hd]", match[0])[1:]]


def test_the_value_in_force_stands_beside_what_is_set(campus):
    page = campus.client.get("/admin/kiosks/north-1").text
    assert "生效：37.2 °C" in page and "测温机自有设置" in page
    answer = post(
        campus.client, "/admin/kiosks/north-1/settings", "/admin/kiosks/north-1", threshold_c="37.5"
    )
    assert answer.status_code == 303
    version = campus.retained("north-1").version
    page = campus.client.get("/admin/kiosks/north-1").text
    assert 'value="37.5"' in page and "生效：37.2 °C" in page and "等待测温机" in page
    campus.answers("north-1", version)
    page = campus.client.get("/admin/kiosks/north-1").text
    assert "生效：37.5 °C" in page and "✓ 已生效" in page


def test_one_change_for_a_gate_reaches_its_kiosks_and_leaves_the_rest_as_it_was(campus):
    post(campus.client, "/admin/settings", kiosks="north-1", volume="40")
    answer = post(campus.client, "/admin/settings", kiosks="gate north", brightness="30")
    assert answer.status_code == 303 and answer.headers["location"] == "/admin/settings?sent=1#top"
    first = campus.retained("north-1").values
    assert (first.volume, first.brightness) == (40, 30)
    assert campus.retained("north-2").values.brightness == 30
    assert campus.retained("south-1").version == 0
    post(campus.client, "/admin/settings", kiosks="*", language="en")
    assert campus.retained("south-1").values.language == "en"
    assert campus.retained("north-1").values.brightness == 30
    entries = [entry.what for entry in campus.pages.store.audit(10) if entry.action == "settings"]
    assert "north-1, north-2, south-1" in entries[0]


def test_card_settings_are_sent_only_to_a_kiosk_for_which_they_were_set(campus):
    post(campus.client, "/admin/settings", kiosks="*", volume="40")
    post(campus.client, "/admin/settings", kiosks="north-1", card="permit", card_base="16")
    values = campus.retained("north-1").values
    assert (values.card, values.card_reader, values.card_order, values.card_base) == (
        *("permit", None, None),
        16,
    )
    sent = read_retained(campus.pages.settings.as_user("admin"), f"{SETTINGS_OF}north-2/settings")
    assert sent and b"volume" in sent and b"card" not in sent
    assert "并询问可否入校" in " ".join(row(campus, "north-1"))
    report = health(at=AT, card="permit", reader="out")
    campus.store.commit([HealthArrived(report, AT, "north")])
    assert "! 已拔出" in campus.client.get("/admin/kiosks/north-1").text
    with pytest.raises(KioskValueError) as refused:
        values_of({"card_base": "12"})
    assert "只能是：十进制，十六进制" in wrong_in_words(refused.value, CHINESE)


def test_a_supply_voltage_set_after_the_calibration_is_reported(untouched):
    sensor = "0000000000000001"
    calibration = CalibrationRecord(
        sensor=sensor,
        at=AT,
        by="Li Wei",
        method="one-point",
        offset_c=0.1,
        uncertainty_c=0.14,
        supply_v=3.27,
    )
    applied = Applied(kiosk="north-1", version=1, calibration=calibration)
    report = HealthArrived(health(at=AT, sensor=sensor), AT, "north")
    untouched.store.commit([SettingsApplied(applied, AT, "north"), report])
    path = untouched.site.folder / "kiosks/north-1/settings.json"
    text = path.read_text()

    def findings_at(supply_v):
        path.write_text(json.dumps(json.loads(text) | {"supply_v": supply_v}))
        findings = [finding.text[1] for finding in doctor_supply.changed(untouched.site.settings)]
        return findings, untouched.client.get("/admin/kiosks/north-1").text

    try:
        findings, page = findings_at(3.31)
        assert findings == [
            "north-1: calibrated at 3.27 V, now 3.31 V is set: -0.02 °C in each reading,"
            " unless the supply itself changed"
        ]
        assert "校准后改过传感器供电电压" in page and "-0.02 °C" in page
        findings, page = findings_at(3.27)
        assert findings == [] and "校准后改过传感器供电电压" not in page
        path.write_text("{")  # doctor_supply.supplies reports a damaged file
        assert list(doctor_supply.changed(untouched.site.settings)) == []
    finally:
        path.write_text(text)


def test_each_kiosks_answer_is_shown_in_words(campus):
    post(campus.client, "/admin/settings", kiosks="*", threshold_c="37.6")
    campus.answers("north-1", campus.retained("north-1").version)
    campus.answers("north-2", 0, "threshold_c: expected 35 to 40 C, axillary equivalent")
    assert "已生效" in row(campus, "north-1")[1] and "37.6 °C" in row(campus, "north-1")[2]
    second = row(campus, "north-2")
    assert "拒绝" in second[1] and "只能是 35 至 40 °C" in second[1] and "expected" not in second[1]
    assert "37.2 °C → 37.6 °C" in second[2]
    assert "等待测温机" in row(campus, "south-1")[1]
    assert "refresh" in campus.client.get("/admin/settings?sent=1").text


WRONG = [
    ("threshold_c", "99", "只能是 35 至 40 °C"),
    ("confirm_scans", "7", "只能是 0 至 3"),
    ("volume", "laut", "只能是 0 至 100 %"),
    ("quiet", "25:00-26:00", "22:00-06:30"),
    ("notice", "太长太长太长太长太长", "最多 8 个汉字"),
    ("notice", "😀", "GB 2312"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_mistake_is_explained_at_its_field_in_the_readers_language(untouched, name, value, says):
    for path, page in (
        ("/admin/settings", "/admin/settings"),
        ("/admin/kiosks/north-1/settings", "/admin/kiosks/north-1"),
    ):
        answer = post(untouched.client, path, page, kiosks="*", **{name: value})
        assert answer.status_code == 400
        match = re.search(r'<p id="wrong" class="error" role="alert">(.*?)</p>', answer.text)
        assert match and says in match[1] and name not in match[1]
        assert CHINESE(SETTINGS[name].title) in match[1]
        assert re.search(rf'name="{name}"[^>]*aria-invalid="true"', answer.text)
    assert untouched.retained("north-1").version == 0


@pytest.mark.parametrize(
    ("form", "says"), [({"kiosks": "west-1", "volume": "5"}, "选择"), ({"kiosks": "*"}, "至少填写")]
)
def test_a_change_of_nothing_or_for_nobody_is_refused_in_words(untouched, form, says):
    answer = post(untouched.client, "/admin/settings", **form)
    assert answer.status_code == 400 and says in answer.text


BAD = {
    "threshold_c": 50.0,
    "site": "ear",
    "confirm_scans": 9,
    "baseline": "none",
    "baseline_c": 3.0,
    "language": "fr",
    "volume": 101,
    "brightness": 0,
    "quiet_from": "25:00",
    "notice": "太长太长太长太长太长",
    "card": "maybe",
    "card_reader": "wiegand",
    "card_order": "middle",
    "card_base": 12,
}
OWN = {"kiosk": "k", "campus": "c", "broker_host": "h", "username": "k", "password": "p"}


@pytest.mark.parametrize("name", BAD)
def test_whatever_a_kiosk_refuses_is_put_into_chinese(name):
    with pytest.raises(SettingsError) as refused:
        Settings(OWN | {name: BAD[name]})
    sentence = refusal_in_words(str(refused.value), CHINESE)
    assert not re.search(r"expected|_|[a-z]{4,}", sentence), sentence


def test_a_refusal_of_newer_firmware_is_shown_as_it_came():
    assert refusal_in_words("colour: expected red", CHINESE) == "colour: expected red"
    assert refusal_in_words("version 3: 5 is in force", CHINESE) == "已有更新的设置。"
    with pytest.raises(SettingsError) as refused:
        Settings(OWN | {"card": "record"})
    sentence = refusal_in_words(str(refused.value), CHINESE)
    assert sentence == "测温机没有刷卡密钥：用设置码可以得到。"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_setting_that_can_be_wrong_has_its_sentence(language):
    for name, value, _ in WRONG:
        with pytest.raises(KioskValueError) as refused:
            values_of({name: value})
        assert "{" not in wrong_in_words(refused.value, translator(language))


def test_a_kiosk_is_named_on_its_page_and_the_file_keeps_its_comments(campus):
    path = campus.site.settings_path
    path.write_text(path.read_text() + "# mine\n")
    form = {"kiosk-title": "左侧", "kiosk-title_en": "Left"}
    answer = post(campus.client, "/admin/kiosks/north-1/name", "/admin/kiosks/north-1", **form)
    assert answer.status_code == 303
    assert "左侧 (north-1)" in campus.client.get("/admin/kiosks/north-1").text
    assert campus.file.kiosk_title("north-1", "en") == "Left" and "# mine" in path.read_text()
    log = CliRunner().invoke(cli, ["log", "--settings", str(path), "--language", "zh"]).output
    assert "左侧" in log
    form = {"kiosk-title": "左侧"}
    answer = post(campus.client, "/admin/kiosks/north-2/name", "/admin/kiosks/north-2", **form)
    assert answer.status_code == 400 and "名称相同" in answer.text
    assert campus.file.kiosk_title("north-2", "zh") == "north-2"


def test_campus_and_gates_are_named_on_a_page(campus):
    names = {"campus-title": "东校区", "gate-north-title": "北门", "gate-north-title_en": "North"}
    answer = post(campus.client, "/admin/devices/names", "/admin/devices", **names)
    assert answer.status_code == 303
    assert (
        campus.file.campus_title("zh") == "东校区"
        and campus.file.gate_title("north", "en") == "North"
    )
    assert "北门" in campus.client.get("/board/north").text
    long = {"gate-south-title": "长" * 33}
    answer = post(campus.client, "/admin/devices/names", "/admin/devices", **long)
    assert answer.status_code == 400 and "最多 32" in answer.text
    assert campus.file.campus_title("zh") == "东校区"


def test_an_unreadable_settings_file_is_reported_and_left_unchanged(campus):
    campus.site.settings_path.write_text("damaged")
    form = {"kiosk-title": "左侧"}
    answer = post(campus.client, "/admin/kiosks/north-1/name", "/admin/kiosks/north-1", **form)
    assert answer.status_code == 400 and campus.site.settings_path.read_text() == "damaged"
