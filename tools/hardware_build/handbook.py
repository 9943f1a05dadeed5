"""Builds the guards' handbook in two languages, and a picture of every light.

Its texts are in `hardware/handbook/`; figures and displayed words come from firmware and settings,
so that the handbook agrees with the kiosk.
"""

import re
from typing import Literal
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from fevergate.campus.settings import EscalationSettings
from fevergate.desk.daily_check import TOLERANCE_C
from fevergate.kiosks.calibration import PEOPLE_SCATTER_MAX_C
from fevergate.provision.services import CUT_OFF_S
from fevergate.settings.gateway import Retention
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE
from kiosk import screening
from kiosk.words import words_in

LANGUAGES = ("zh", "en")
TITLES = {"zh": "值守手册", "en": "The guard's handbook"}

_PLACE = re.compile(r"\{(\w+)\}")


class Light(Struct, frozen=True, kw_only=True):
    """A lamp's colour ("": dark) and sign, and in Chinese and English what is read and heard, and
    what it means; each of one or two lines."""

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
    "zh": ("测温机", "闸口灯柱（红灯与黄灯可同时亮）"),
    "en": ("The kiosk", "The gate's tower (red and amber may burn together)"),
}

WIDTH, ROW, GAP = 900, 60, 68


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
        "distance_cm": f"{figures['distance_mm'] / 10:g}",
        "apart": f"{PEOPLE_SCATTER_MAX_C:.1f}",
        "desk": f"{TOLERANCE_C:.1f}",
        "persons_days": str(Retention().persons_days),
        "cut_off_s": str(CUT_OFF_S),
        "escalate_min": str(EscalationSettings().fever_after_min),
    }


def _joined(pair: tuple[str, str], language: str) -> str:
    return ("，" if language == "zh" else " ").join(pair)


def _filled(text: str, values: dict[str, str], where: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise HardwareError(f"handbook/{where}: {{{match[1]}}}: expected of {sorted(values)}")
        return values[match[1]]

    return _PLACE.sub(value, text)


def lights(language: str) -> str:
    """Every light of kiosk and tower as SVG: colour, sign, words and sound, meaning."""
    words = {name: " ".join(pair) for name, pair in words_in(language).items()}
    column = LANGUAGES.index(language)
    rows: list[str] = []
    y = 34
    for head, table in zip(HEADS[language], (KIOSK, TOWER), strict=True):
        rows.append(_words(24, y, head, 20, bold=True))
        y += 18
        for light in table:
            says = _filled(light.says[column], words, "lights")
            rows += [
                f'<rect x="16" y="{y}" width="{WIDTH - 32}" height="{ROW}" rx="8" fill="#f4f6f9"/>',
                _lamp(52, y + ROW // 2, light),
                _lines(96, y, says),
                _lines(500, y, light.means[column]),
            ]
            y += GAP
        y += 34
    high = y - 30
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}"'
        f' viewBox="0 0 {WIDTH} {high}" font-family="Noto Sans CJK SC, WenQuanYi Micro Hei,'
        ' Microsoft YaHei, sans-serif" fill="#10233f">'
    )
    background = f'<rect width="{WIDTH}" height="{high}" fill="#ffffff"/>'
    return "\n".join([head, background, *rows, "</svg>"]) + "\n"


def _lines(x: int, y: int, text: str) -> str:
    """One or two lines of text, centred in the row whose top is `y`."""
    lines = text.split("\n")
    first = y + ROW // 2 + 6 - 11 * (len(lines) - 1)
    return "\n".join(_words(x, first + 22 * n, line, 16) for n, line in enumerate(lines))


def _lamp(x: int, y: int, light: Light) -> str:
    if not light.colour:
        return (
            f'<circle cx="{x}" cy="{y}" r="20" fill="none" stroke="#10233f" stroke-width="2"'
            ' stroke-dasharray="4 4"/>'
        )
    ink = "#10233f" if light.colour == "amber" else "#ffffff"
    return (
        f'<circle cx="{x}" cy="{y}" r="20" fill="{COLOURS[light.colour]}"/>'
        f'<text x="{x}" y="{y + 8}" font-size="22" text-anchor="middle" fill="{ink}">'
        f"{light.sign}</text>"
    )


def _words(x: int, y: int, text: str, size: int, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}"{weight}>{escape(text)}</text>'
