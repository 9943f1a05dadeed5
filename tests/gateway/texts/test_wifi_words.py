"""Each code of the board's Wi-Fi has words, on the pages in both languages and on the display."""

import pytest
from samples import AT, health

from fevergate.storage.records import HealthArrived
from fevergate.texts import trouble_text
from fevergate.texts.translations import translator
from kiosk.words import LANGUAGES, line_word
from kiosk.words_line import WORDS

# MicroPython 1.28, ports/esp32/modnetwork_globals.h: STAT_*. A wrong password gives 15; 1100 is
# FeverGate's own code.
CODES = (200, 201, 202, 203, 204, 210, 211, 212, 1000, 1001, 1010, 15, 1100)
LINE_UNITS = 8


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_words_of_its_own(code):
    assert "reason" not in trouble_text.wifi(code, translator("en"))
    for language in LANGUAGES:
        word = line_word(code, language)
        assert str(code) not in word
        assert sum(1 if ord(char) < 128 else 2 for char in word) <= LINE_UNITS


@pytest.mark.parametrize("code", [1, 39, 67, 208, 1999])
def test_a_code_that_nobody_knows_is_shown_as_its_number(code):
    assert trouble_text.wifi(code, translator("en")) == f"reason {code}"
    for language in LANGUAGES:
        word = line_word(code, language)
        assert str(code) in word
        assert sum(1 if ord(char) < 128 else 2 for char in word) <= LINE_UNITS + 1


def test_the_pages_have_words_for_every_code_of_the_display():
    assert set(WORDS) - {0} <= set(trouble_text.WIFI)


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "its password is not accepted"), ("zh", "密码不被接受")],
)
def test_why_a_kiosk_was_last_without_a_line_is_on_its_page(site, language, says):
    (site.settings.folder / "admin.password").write_text("x")
    client = site.client("李伟", language)
    assert says not in client.get("/admin/kiosks/north-1").text
    site.gateway.commit([HealthArrived(health(rssi=-61, wifi=202), AT + 60, "north")])
    assert says in client.get("/admin/kiosks/north-1").text
