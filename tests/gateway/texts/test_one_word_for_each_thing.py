"""Display, pages, handbook and commands use one Chinese word for each thing, and no text is half
English."""

import re

import pytest
import real_micropython
from babel.messages.pofile import read_po

from fevergate.texts.translations import translator
from fevergate.texts.word_tables import ERRORS, LABELS
from fevergate.web_common.audit_words import FOLLOW_UP_FIELDS, audit_text
from fevergate.web_common.store import AuditEntry
from kiosk.words import words_in
from measurement.words import PACKAGE, catalogues

ROOT = real_micropython.ROOT
OTHER_WORDS = {
    "值班员": "值班人(?!员)|值守人|保安|门卫|值班人员",
    "校门": "闸口|大门|门岗",
    "值班看板": "值守页面|(?<!值班)看板|值班页面",
    "处置登记": "后续处理|随访|跟进",
    "离校回家": "送回家|(?<!离校)回家",
    "测温机": "测温亭|测温设备|测温仪|终端机",
    "汇总服务器": "校园服务器|校区服务器",
    "消息服务器": "消息服务(?!器)",
    "主控板": "(?<!模块)电路板|更换设备|新设备|写入设备",
    "值班台": "值班室",
    "校门处的按钮": "门口(?:的实体)?按钮|校门旁的按钮",
    "报警": "警报",
    "上报": "报送",
    "校区": "园区",
    "关门": "闭校",
    "亮灯定位": "(?<![显提])示位",
    "迟报": "迟到",
    "未结束": "未结(?!束|案)",
    "不构成零报告": "零发热.*不作零报告|零报告，未测",
}
"""Key: the one word for a thing; value: pattern of other words, which must not be used for it."""

FILES = ("README.zh.md", "hardware/*.md", "hardware/handbook/*", "gateway/*.md", "firmware/*.md")


def translations():
    with catalogues()["zh"].open("rb") as file:
        return {m.id: str(m.string) for m in read_po(file, locale="zh") if m.id}


def texts():
    """Every Chinese text that people read, as pairs of its place and the text."""
    yield from ((f"catalogue: {key}", text) for key, text in translations().items())
    yield from ((f"display: {key}", "".join(pair)) for key, pair in words_in("zh").items())
    for pattern in FILES:
        for path in ROOT.glob(pattern):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    yield "lights", (ROOT / "hardware/pictures/lights-zh.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_a_thing_has_one_word(word):
    pattern = re.compile(OTHER_WORDS[word])
    assert not [
        (place, word_found) for place, text in texts() for word_found in pattern.findall(text)
    ]


def test_acknowledging_the_lamp_and_treating_the_fever_have_words_of_their_own():
    catalogue = translations()
    assert catalogue["Acknowledged by"] == "确认人" and catalogue["not acknowledged"] == "未确认"
    assert catalogue["Follow-up"] == "处置登记" and catalogue["Acknowledge"] == "确认"
    light = [
        text
        for key, text in catalogue.items()
        if re.search("[Aa]cknowledged? by|red light", str(key))
    ]
    assert light and not [text for text in light if re.search("处置(?!结果)", text)]


def test_the_display_says_what_to_do():
    words = words_in("zh")
    assert words["idle"][0] == "请看圆镜" and words["warm"][0] == "预热请等"
    assert words["cold"] == ("面部偏凉", "稍后再测") and words["hot"][0] == "移开热物"
    assert words["room"][0] == "室温异常" and words["short"][1] == "多站一会"
    for key in ("fever", "sensor", "lens", "room"):
        assert words[key][1] == "找值班员" and words_in("en")[key][1] == "Guard ->"


PROGRAM = re.compile(r"(systemctl|fevergate|sudo|runuser|apt|chmod|chown)( [\w./{}=-]+)*")
HOLE = re.compile(r"{[^}]*}|%\(\w+\)\w|%\w")
SENTENCE = re.compile(r"(?:[A-Za-z]{2,}[ ,.]+){2,}[A-Za-z]{2,}")
FIELD = re.compile(r"(?<![\[\w.])[a-z]+(?:_[a-z]+)+(?![\w\]])")


def test_no_chinese_text_holds_an_english_sentence_or_a_fields_name():
    for key, text in translations().items():
        plain = PROGRAM.sub("", HOLE.sub("", text))
        assert not SENTENCE.search(plain), (key, text)
        assert not FIELD.search(plain), (key, text)


AUDIT = [
    (
        "save follow-up",
        "north-1/1/2 clinical_c: None → 38.2, outcome:  → clinic, closed: False → True, person",
        "north-1/1/2 复测体温 °C：无 → 38.2，结果：无 → 送医务室，结案：否 → 是，被测人姓名",
    ),
    (
        "save follow-up",
        "north-1/1/2 outcome: clinic → home, reason: 家长, 已接走",
        "north-1/1/2 结果：送医务室 → 离校回家，原因：家长, 已接走",
    ),
    (
        "trace",
        "north-1/1/2 10 min: 7 reason: 追查: 2 人",
        "north-1/1/2：前后 10 分钟，查到 7 人，原因：追查: 2 人",
    ),
    ("acknowledge", "north by 李伟", "north：李伟"),
    ("began", "by a code of the terminal", "凭网关终端上的一次性代码"),
    ("add person", "Zhang (guard)", "Zhang (值班员)"),
    ("add person failed", "Zhang (guard): taken", None),
    ("settings", "north-1 {'threshold_c': '37.5', 'site': 'canthus'}", None),
    ("issue token", "大屏: board log", None),
    ("search fevers", "2026-06-01 – 2026-11-23 south open", "2026-06-01 – 2026-11-23 south 待处置"),
]


def test_the_audit_names_every_action_in_one_form():
    catalogue = translations()
    assert not [text for text in map(catalogue.get, LABELS.values()) if "了" in str(text)]


@pytest.mark.parametrize(("action", "what", "wanted"), AUDIT)
def test_the_audit_is_read_in_chinese(action, what, wanted):
    text = audit_text(AuditEntry(1, 0.0, "李伟", action, what), translator("zh"))
    if wanted is not None:
        assert text == wanted
    assert not SENTENCE.search(text) and not FIELD.search(text)
    assert not any(f": {reason}" in text for reason in ERRORS)


def test_every_action_of_the_audit_has_words():
    pattern = re.compile(
        r"""(?:note|answer_file)\((?:request|"-"|name|form\["name"\]), "([^"]+)\""""
    )
    rooms = ("web", "web_common", "campus")
    files = [path for room in rooms for path in (PACKAGE / room).glob("*.py")]
    actions = {action for path in files for action in pattern.findall(path.read_text())}
    assert len(actions) > 20 and actions <= set(LABELS)


def test_every_field_that_the_audit_can_name_has_a_title():
    from fevergate.kiosks.remote_settings import FIELDS
    from fevergate.kiosks.setting_words import SETTINGS
    from fevergate.web.follow_ups import IMPERSONAL, PERSONAL

    assert set(FIELDS) <= set(SETTINGS)
    assert {*IMPERSONAL, *PERSONAL} <= set(FOLLOW_UP_FIELDS)


@pytest.mark.parametrize("action", ["save follow-up", "settings", "issue token", "sign in failed"])
@pytest.mark.parametrize("what", ["", "x", ": ", "{", "a → b", "'{", "north-1 {'x"])
def test_an_entry_of_an_unknown_form_is_shown_unchanged(action, what):
    text = audit_text(AuditEntry(1, 0.0, "-", action, what), translator("zh"))
    assert text in (what, what.strip())
