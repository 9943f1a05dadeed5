"""Builds the guards' handbook in two languages, and a picture of every light.

Its texts are in `hardware/handbook/`; figures and displayed words come from firmware and settings,
so that the handbook agrees with the kiosk.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.sax.saxutils import escape

from fevergate.campus.settings import Escalation
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


class Light(NamedTuple):
    """A lamp's colour (None: dark) and sign, and in Chinese and English what is read and heard, and
    what it means; each of one or two lines."""

    colour: str | None
    sign: str
    says: tuple[str, str]
    means: tuple[str, str]


RED, AMBER, GREEN = "#c4161c", "#e0a100", "#0b7a3e"

KIOSK = (
    Light(None, "", ("“{idle}”", "“{idle}”"), ("等人来测", "waits for somebody")),
    Light(
        GREEN,
        "✓",
        ("“{normal}”\n一声短响", "“{normal}”\none short beep"),
        ("请进", "go in"),
    ),
    Light(
        AMBER,
        "↻",
        ("“{confirm}”“{far}”……\n两声低响", "“{confirm}”, “{far}” …\ntwo low beeps"),
        ("照屏幕说的再测一次", "once more, as the display says"),
    ),
    Light(
        AMBER,
        "!",
        ("“{sensor}”“{lens}”\n一直亮着", "“{sensor}”, “{lens}”\nall the time"),
        (
            "不放行：清洁镜头，或停用这台机",
            "lets nobody in: clean the lens,\nor take it out of use",
        ),
    ),
    Light(
        RED,
        "▲",
        ("“{fever}”\n高低交替鸣响", "“{fever}”\nhigh and low tones"),
        ("请到保安处复测", "to the guard: measure again"),
    ),
)
TOWER = (
    Light(GREEN, "✓", ("静", "silent"), ("所有机器都在值守", "every kiosk watches")),
    Light(
        AMBER,
        "!",
        ("静", "silent"),
        (
            "有机器静默或故障，或网关不在\n看值守页面，改用手持体温计",
            "a kiosk silent or faulty, or no gateway:\nsee the board, use hand-held ones",
        ),
    ),
    Light(
        RED,
        "▲",
        ("蜂鸣，直到确认", "buzzer, until acknowledged"),
        ("有人体温偏高：走过去", "somebody is too warm: go there"),
    ),
    Light(None, "", ("静", "silent"), ("没有电：当作黄灯处理", "no power: take it as amber")),
)
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
        "escalate_min": str(Escalation().fever_after_min),
    }


def _joined(pair: tuple[str, str], language: str) -> str:
    return ("，" if language == "zh" else " ").join(pair)


def _filled(text: str, values: dict[str, str], where: str) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise HardwareError(f"handbook/{where}: {{{found[1]}}}: expected of {sorted(values)}")
        return values[found[1]]

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
    if light.colour is None:
        return (
            f'<circle cx="{x}" cy="{y}" r="20" fill="none" stroke="#10233f" stroke-width="2"'
            ' stroke-dasharray="4 4"/>'
        )
    ink = "#10233f" if light.colour == AMBER else "#ffffff"
    return (
        f'<circle cx="{x}" cy="{y}" r="20" fill="{light.colour}"/>'
        f'<text x="{x}" y="{y + 8}" font-size="22" text-anchor="middle" fill="{ink}">'
        f"{light.sign}</text>"
    )


def _words(x: int, y: int, text: str, size: int, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}"{weight}>{escape(text)}</text>'
