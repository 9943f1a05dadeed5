"""A campus's notice on the kiosks' displays."""

import base64

import pytest

from fevergate.errors import KioskValueError
from fevergate.kiosks.display_notice import glyphs_of
from fevergate.protocol.messages import (
    MAX_PAYLOAD,
    CalibrationRecord,
    KioskSettings,
    KioskValues,
    encode,
)
from kiosk.glyphs import Glyphs
from kiosk.settings import Settings

OWN = {"kiosk": "a", "campus": "b", "broker_host": "c", "username": "d", "password": "e"}


def test_a_kiosk_takes_what_the_gateway_makes_of_a_notice():
    for text in ("今日考场请走东门", "Gate B, 8:00", "东门 East", "门门门", ""):
        settings = Settings(OWN | {"notice": text, "notice_glyphs": glyphs_of(text)})
        assert set(settings.glyphs) == {char for char in text if ord(char) > 127}
        assert all(len(rows) == 32 and any(rows) for rows in settings.glyphs.values())


def test_a_character_looks_as_it_does_in_the_kiosks_own_words():
    kiosks = Glyphs()
    shapes = b"".join(kiosks.get(char) or b"" for char in "请看圆镜")
    assert base64.b64decode(glyphs_of("请看圆镜")) == shapes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("今日考场请走东门吧", "at most 8 Chinese characters"),
        ("seventeen letters", "16 letters"),
        ("a\nb", "printable"),
        ("門口", "no shape for '門'"),
        ("🚪", "no shape"),
    ],
)
def test_what_the_display_cannot_show_is_refused_in_one_line(text, message):
    with pytest.raises(KioskValueError, match=message):
        glyphs_of(text)


def test_all_that_a_kiosk_can_be_told_fits_into_one_message():
    text = "今日考场请走东门"
    values = KioskValues(
        site="forehead",
        threshold_c=37.35,
        confirm_scans=3,
        baseline="fixed",
        baseline_c=-0.25,
        language="zh",
        volume=100,
        brightness=100,
        quiet_from="22:00",
        quiet_to="06:30",
        utc_offset_min=-480,
        notice=text,
        notice_glyphs=glyphs_of(text),
    )
    record = CalibrationRecord(
        sensor="0" * 16,
        at=1_800_000_000,
        by="Aisin-Gioro Wang Xiaoming",
        method="blackbody-two-point",
        offset_c=-0.1234567,
        gain=1.01234567,
        uncertainty_c=0.1234567,
    )
    payload = encode(KioskSettings(version=2**31 - 1, values=values, calibration=record))
    assert len(payload) <= MAX_PAYLOAD
