"""Builds the guards' handbook in two languages, and a picture of every light.

Its texts are in `hardware/handbook/`; figures and displayed words come from firmware and settings,
so that the handbook agrees with the kiosk.
"""

import re
from typing import Literal

import msgspec
from msgspec import Struct

from fevergate.campus.settings import EscalationSettings
from fevergate.desk.daily_check import TOLERANCE_C
from fevergate.kiosks.calibration import PEOPLE_SCATTER_MAX_C
from fevergate.provision.services import CUT_OFF_S
from fevergate.settings.gateway import Retention
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.pages import rendered
from hardware_build.table import HARDWARE
from kiosk import screening
from kiosk.words import words_in

LANGUAGES = ("zh", "en")
TITLES = {"zh": "值守手册", "en": "The guard's handbook"}

_PLACE = re.compile(r"\{(\w+)\}")


class Light(Struct, frozen=True, kw_only=True):
    """A light in the handbook: its colour ("": dark) and sign. `says` (words and sounds that come
    with it) and `means` are in Chinese and English, each in one or two lines."""

    sign: str
    says: tuple[str, str]
    means: tuple[str, str]
    colour: Literal["", "red", "amber", "green"] = ""


class _Lights(Struct, forbid_unknown_fields=True):
    kiosk: tuple[Light, ...]
    tower: tuple[Light, ...]


_LIGHTS = msgspec.toml.decode((HARDWARE / "handbook/lights.toml").read_bytes(), type=_Lights)
KIOSK, TOWER = _LIGHTS.kiosk, _LIGHTS.tower
COLOURS = {"red": "#c4161c", "amber": "#e0a100", "green": "#0b7a3e"}
HEADS = {
    "zh": ("测温机", "校门灯柱（红灯与黄灯可同时亮）"),
    "en": ("The kiosk", "The gate's tower (red and amber may burn together)"),
}

WIDTH = 900


def markdown(language: str, kiosk: Enclosure) -> str:
    """Text of the handbook. Raises `HardwareError` for a placeholder without a value."""
    path = HARDWARE / "handbook" / f"{language}.md.in"
    return _filled(path.read_text(encoding="utf-8"), _values(language, kiosk), path.name)


def _values(language: str, kiosk: Enclosure) -> dict[str, str]:
    figures = kiosk.figures()
    words = {f"word_{name}": _joined(pair, language) for name, pair in words_in(language).items()}
    return words | {
        "room_min": f"{screening.ROOM_MIN_C:.0f}",
        "room_max": f"{screening.ROOM_MAX_C:.0f}",
        "threshold": f"{screening.THRESHOLD_C:.1f}",
        "axis_cm": f"{figures['axis_high_mm'] / 10:.0f}",
        "tilt": f"{figures['tilt_deg']:g}",
        "bow_cm": f"{figures['bow_mm'] / 10:.0f}",
        "low_axis_cm": f"{figures['low_axis_high_mm'] / 10:.0f}",
        "low_bow_cm": f"{figures['low_bow_mm'] / 10:.0f}",
        "too_low_cm": f"{figures['too_low_mm'] / 10:.0f}",
        "distance_cm": f"{figures['distance_mm'] / 10:g}",
        "apart": f"{PEOPLE_SCATTER_MAX_C:.1f}",
        "desk": f"{TOLERANCE_C:.1f}",
        "persons_days": str(Retention().persons_days),
        "cut_off_s": str(CUT_OFF_S),
        "escalate_min": str(EscalationSettings().fever_after_min),
    }


def _joined(pair: tuple[str, str], language: str) -> str:
    return ("，" if language == "zh" else " ").join(pair)


def _filled(text: str, values: dict[str, str], file: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise HardwareError(f"handbook/{file}: {{{match[1]}}}: expected of {sorted(values)}")
        return values[match[1]]

    return _PLACE.sub(value, text)


def lights(language: str) -> str:
    """Every light of kiosk and tower as SVG: colour, sign, words and sound, meaning."""
    words = {name: " ".join(pair) for name, pair in words_in(language).items()}
    column = LANGUAGES.index(language)

    def row(light: Light) -> tuple[Light, list[str], list[str]]:
        text = _filled(light.says[column], words, "lights")
        return light, text.split("\n"), light.means[column].split("\n")

    groups = [
        (head, [row(light) for light in table])
        for head, table in zip(HEADS[language], (KIOSK, TOWER), strict=True)
    ]
    height = 4 + sum(52 + 68 * len(rows) for _, rows in groups)
    return rendered("lights.svg", groups=groups, colours=COLOURS, width=WIDTH, height=height)
