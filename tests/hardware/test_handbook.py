"""The handbook in the guard's box says what the kiosk shows, alike in both languages."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from hardware_build import handbook
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE
from kiosk import screening
from kiosk.words import words_in


def source(language):
    return (HARDWARE / "handbook" / f"{language}.md.in").read_text(encoding="utf-8")


def drawn(language, kind):
    picture = ElementTree.fromstring(handbook.lights(language))  # noqa: S314 - drawn by ourselves
    return picture.iter(f"{{http://www.w3.org/2000/svg}}{kind}")


def test_both_languages_state_the_same_figures_commands_and_chapters():
    text, translation = (source(language) for language in handbook.LANGUAGES)
    for pattern in (r"\{\w+\}", r"fevergate (\w+)", r"(?m)^##? "):
        assert sorted(re.findall(pattern, text)) == sorted(re.findall(pattern, translation)), (
            pattern
        )
    assert text.count("\n| ") == translation.count("\n| ")


@pytest.mark.parametrize("language", handbook.LANGUAGES)
def test_figures_are_those_of_the_kiosk(language):
    text = handbook.markdown(language, Enclosure())
    assert f"{screening.THRESHOLD_C} °C" in text and "{" not in text
    words = words_in(language)
    for pair in (words["room"], words["lens"]):
        assert all(line in text for line in pair)


def test_a_figure_that_nothing_decides_is_named():
    with pytest.raises(HardwareError, match=r"zh\.md\.in: \{height\}: expected of"):
        handbook._filled("{height}", {}, "zh.md.in")


@pytest.mark.parametrize("language", handbook.LANGUAGES)
def test_no_light_is_told_by_its_colour_alone(language):
    lamps = list(drawn(language, "circle"))
    assert len(lamps) == len(handbook.KIOSK) + len(handbook.TOWER)
    for table in (handbook.KIOSK, handbook.TOWER):
        signs = {(light.colour, light.sign) for light in table}
        assert len({sign for _, sign in signs}) == len(table)
        assert len({(light.says, light.means) for light in table}) == len(table)


@pytest.mark.parametrize("language", handbook.LANGUAGES)
def test_nothing_is_wider_than_its_column(language):
    for text in drawn(language, "text"):
        size, x = float(text.get("font-size", 0)), float(text.get("x", 0))
        wide = sum(size if ord(char) > 0x2E7F else 0.56 * size for char in text.text or "")
        assert x + wide < (500 if 90 < x < 500 else handbook.WIDTH - 16), text.text
