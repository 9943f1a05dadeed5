"""The reason why an update failed is shown in the reader's language."""

import re

import pytest
import real_micropython

from fevergate.kiosks.update_words import why_in_words
from fevergate.texts.translations import LANGUAGES, translator

REASONS = [
    "0.2.0 did not prove healthy",
    "it did not answer",
    "nothing came any more while on trial",
    "it asked for 999 pieces",
    "it was not done in 6 h",
    "not for this board: esp32-s3-n8r2",
    "the signature is wrong",
    "this kiosk has no update_key: provision it again",
    "an update is on trial: wait for its end",
    "issued: not after the offer taken last",
    "compiled for .mpy 6, this board takes 5",
    "0.2.0 is not above 0.3.0, which runs",
    "the bundle's digest is not the one that was signed",
    "flash: [Errno 28] ENOSPC",
    "memory: memory allocation failed, allocating 4096 bytes",
    "another offer came",
    "no piece at 4096 came",
]


@pytest.mark.parametrize("text", REASONS)
def test_a_reason_is_told_in_chinese_without_english_words(text):
    chinese = why_in_words(text, translator("zh"))
    without_names = chinese.replace("MicroPython", "").replace("esp32", "")
    assert not re.search(r"[A-Za-z]{4,}", without_names), chinese
    assert "{" not in chinese and "{" not in why_in_words(text, translator("en"))


def test_every_reason_in_the_firmwares_installer_is_translated():
    source = (real_micropython.ROOT / "firmware/kiosk/update_install.py").read_text()
    reasons = re.findall(r'UpdateError\("([^"]+)"', source)
    assert len(reasons) > 8
    untranslated = []
    for text in reasons:
        filled = text.replace("%d", "1").replace("%s", "0.2.0").replace("board: 0.2.0", "board: s3")
        if why_in_words(filled, translator("zh")) == filled:
            untranslated.append(text)
    assert untranslated == ["a piece of %d bytes at %d"]  # only a broken connection causes it


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_reason_of_newer_firmware_is_shown_unchanged(language):
    assert why_in_words("the moon is full", translator(language)) == "the moon is full"
