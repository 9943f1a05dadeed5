"""Why an update failed is read in the reader's language, whoever said it."""

import re

import pytest
import real_micropython

from fevergate.kiosks.update_words import why_in_words
from fevergate.texts.translations import LANGUAGES, translator

TOLD = [
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


@pytest.mark.parametrize("text", TOLD)
def test_a_reason_is_told_in_chinese_without_english_words(text):
    told = why_in_words(text, translator("zh"))
    assert not re.search(r"[A-Za-z]{4,}", told.replace("MicroPython", "").replace("esp32", "")), (
        told
    )
    assert "{" not in told and "{" not in why_in_words(text, translator("en"))


def test_whatever_the_kiosk_says_when_it_refuses_to_install_is_known_here():
    source = (real_micropython.ROOT / "firmware/kiosk/update_install.py").read_text()
    said = re.findall(r'UpdateError\("([^"]+)"', source)
    assert len(said) > 8
    left = []
    for text in said:
        filled = text.replace("%d", "1").replace("%s", "0.2.0").replace("board: 0.2.0", "board: s3")
        if why_in_words(filled, translator("zh")) == filled:
            left.append(text)
    assert left == ["a piece of %d bytes at %d"]  # of a broken line; as it came


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_newer_firmware_says_is_shown_as_it_came(language):
    assert why_in_words("the moon is full", translator(language)) == "the moon is full"
