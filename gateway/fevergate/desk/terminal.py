"""Terminal output of the desk: digits legible from two metres, and cautious words."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevergate.desk.daily_check import Check
from fevergate.desk.scan import Look, State
from fevergate.desk.sensor import Sample
from kiosk import screening

TABLE: dict[str, tuple[str, str]] = {
    # key: (Chinese, English)
    screening.FEVER: (
        "达到阈值 {threshold:.1f} °C：请到单独的地方用医用体温计复测",
        "At or above {threshold:.1f} °C: measure with a clinical thermometer, in a separate place",
    ),
    screening.NORMAL: (
        "低于阈值 {threshold:.1f} °C",
        "Below {threshold:.1f} °C",
    ),
    screening.RETRY: ("未能判定：{why}", "No answer: {why}"),
    screening.SHORT: ("离开太早，请站久一点", "left too early: stay a little longer"),
    screening.MOVING: ("没有站稳，请站着别动", "never held still: stand still"),
    screening.FAR: (
        "读数太低，不是皮肤：靠近一点，拨开刘海，摘下眼镜",
        "too cold for skin: closer, hair and glasses out of the way",
    ),
    screening.COLD: (
        "皮肤太冷：请在室内休息五分钟后再测",
        "cold skin: rest indoors for five minutes, then again",
    ),
    screening.HOT: ("读数太高，不是皮肤：只测脸部", "too hot for skin: the face only"),
    screening.WAIT: (
        "传感器自身温度在变：手离开传感器，稍候再测",
        "the sensor's own temperature moves: hands off it, wait a moment",
    ),
    screening.ROOM: (
        "室温不宜测量（须 16 至 35 °C）",
        "the room is too cold or too hot to measure in (16 to 35 °C)",
    ),
    "clinical": (
        "本系统只做筛查，不作诊断：以医用体温计为准。",
        "It screens and does not diagnose: a clinical thermometer decides.",
    ),
    "figures": (
        "皮肤 {skin:.2f} °C 环境 {ambient:.2f} °C 校验错误 {pec} 无应答 {bus}",
        "skin {skin:.2f} °C, ambient {ambient:.2f} °C, wrong checksums {pec}, no answer {bus}",
    ),
    "body": (
        "体温 {body:.2f} °C（腋温等效）",
        "body {body:.2f} °C (axillary equivalent)",
    ),
    "uncalibrated": (
        "传感器未校准：fevergate desk calibrate --by 姓名",
        "this sensor was never calibrated: fevergate desk calibrate --by NAME",
    ),
    "unchecked": (
        "今日未检查，或检查不合格：fevergate desk check --by 姓名",
        "not checked within a day, or it failed: fevergate desk check --by NAME",
    ),
    "live": (
        "物体 {object:.2f} °C 环境 {ambient:.2f} °C 校验错误 {pec} 无应答 {bus}",
        "object {object:.2f} °C, ambient {ambient:.2f} °C, wrong checksums {pec}, no answer {bus}",
    ),
    "waiting": ("等待", "waiting"),
    "scanning": ("测量中", "measuring"),
    "hot": ("空视场太热，看不出人", "the empty view is too hot for anybody to be seen"),
    "enter": (
        "按回车，然后请其看向传感器（q 结束）",
        "Enter, then let them look into the sensor (q ends)",
    ),
    "nobody": (
        "二十秒内没有看到人：靠近传感器再试",
        "nobody was seen in twenty seconds: closer to the sensor, and again",
    ),
    "noted": ("已记录", "noted"),
    "passed": (
        "合格：相差 {difference:+.2f} °C，允许 ±{tolerance:.2f}",
        "passed: {difference:+.2f} °C, allowed ±{tolerance:.2f}",
    ),
    "not_passed": (
        "不合格：相差 {difference:+.2f} °C，允许 ±{tolerance:.2f}",
        "failed: {difference:+.2f} °C, allowed ±{tolerance:.2f}",
    ),
    "too_cold": (
        "读数偏低：清洁镜头，靠近，使参照物充满视场，等 20 分钟再查；"
        "仍不合格则 fevergate desk calibrate",
        "it reads low: clean the lens, come closer so that the reference fills the view, wait 20"
        " minutes, check again; if it still fails: fevergate desk calibrate",
    ),
    "too_warm": (
        "读数偏高：传感器是否被手或机器加热？等 20 分钟再查；仍不合格则 fevergate desk calibrate",
        "it reads high: does a hand or a machine warm the sensor? wait 20 minutes, check again; if"
        " it still fails: fevergate desk calibrate",
    ),
    "do_not_use": ("在此之前不要用它判断任何人", "until then judge nobody by it"),
    "gross": (
        "与人比较只能发现大的偏差；日常检查请用黑体",
        "beside a person only gross errors show; a black body is the check",
    ),
    "at": ("时间", "When"),
    "by": ("谁", "By"),
    "what": ("事项", "What"),
    "result": ("结果", "Result"),
    "why": ("原因", "Why"),
    "look": ("复看", "look"),
    "check": ("检查", "check"),
    "calibration": ("校准", "calibration"),
    "blackbody": ("黑体", "black body"),
    "axillary": ("腋温", "armpit"),
    "oral": ("口温", "mouth"),
    "one-point": ("黑体一点", "one black body"),
    "two-point": ("黑体两点", "two black bodies"),
    "nothing": ("尚无记录", "nothing was kept yet"),
}

_DIGITS = {
    "0": "███ █ █ █ █ █ █ ███",
    "1": " █   █   █   █   █ ",
    "2": "███   █ ███ █   ███",
    "3": "███   █ ███   █ ███",
    "4": "█ █ █ █ ███   █   █",
    "5": "███ █   ███   █ ███",
    "6": "███ █   ███ █ █ ███",
    "7": "███   █   █   █   █",
    "8": "███ █ █ ███ █ █ ███",
    "9": "███ █ █ ███   █ ███",
    "-": "        ███        ",
    ".": "                █  ",
}
"""Bitmaps of five rows of three cells, with a space between rows."""

_STYLE = {screening.FEVER: "bold red", screening.NORMAL: "bold green", screening.RETRY: "yellow"}


def say(key: str, language: str, **values: Any) -> str:
    """A text of `TABLE` in one language."""
    return TABLE[key][0 if language == "zh" else 1].format(**values)


def big(figure: str) -> str:
    """A figure in digits of five lines; cells are two columns wide, as characters are narrow."""
    rows = []
    for row in range(5):
        cells = [_DIGITS[digit][4 * row : 4 * row + 3] for digit in figure]
        rows.append("  ".join(cell.replace("█", "██").replace(" ", "  ") for cell in cells))
    return "\n".join(row.rstrip() for row in rows)


def looked(look: Look, language: str) -> RenderableType:
    """A look: temperature in large digits unless it must be repeated, verdict, readings, notes."""
    style = _STYLE[look.verdict]
    parts: list[RenderableType] = []
    if look.verdict == screening.RETRY:
        why = say(look.reason, language)
        verdict = say(screening.RETRY, language, why=why)
    else:
        parts += [Text(), Text(big(f"{_tenths(look):.1f}"), style), Text()]
        verdict = say(look.verdict, language, threshold=look.threshold_c)
    parts.append(Text(verdict, style))
    values = {"skin": look.skin_c, "ambient": look.can_c}
    counts = {"pec": look.pec_errors, "bus": look.bus_errors}
    if look.verdict != screening.RETRY:  # a scan without a result has no body temperature
        parts.append(Text(say("body", language, body=look.body_c)))
    parts.append(Text(say("figures", language, **values, **counts)))
    if not look.checked:
        parts.append(Text(say("unchecked", language), "yellow"))
    if not look.calibrated:
        parts.append(Text(say("uncalibrated", language), "yellow"))
    parts.append(Text(say("clinical", language), "dim"))
    return Group(*parts)


def _tenths(look: Look) -> float:
    """The temperature in tenths; one below the threshold is not rounded up to it."""
    rounded = round(look.body_c, 1)
    if look.verdict == screening.NORMAL and rounded >= look.threshold_c:
        return look.threshold_c - 0.1
    return rounded


def live(sample: Sample, state: State, pec: int, bus: int, language: str) -> Text:
    """One line with the present readings of the sensor."""
    figures = say("live", language, object=sample.object_c, ambient=sample.can_c, pec=pec, bus=bus)
    return Text(f"{say(state, language)} · {figures}", "yellow" if state == "hot" else "")


def checked(check: Check, language: str) -> RenderableType:
    """Result of a check, and what to do if it failed."""
    key, style = ("passed", "bold green") if check.passed else ("not_passed", "bold red")
    values = {"difference": check.difference_c, "tolerance": check.tolerance_c}
    parts = [Text(say(key, language, **values), style)]
    if not check.passed:
        cold = check.difference_c < 0
        parts.append(Text(say("too_cold" if cold else "too_warm", language)))
        parts.append(Text(say("do_not_use", language), style))
    if check.reference != "blackbody":
        parts.append(Text(say("gross", language), "dim"))
    return Group(*parts)


def history(
    looks: list[dict[str, Any]],
    checks: list[dict[str, Any]],
    calibrations: list[dict[str, Any]],
    zone: ZoneInfo,
    language: str,
) -> RenderableType:
    """Table of all looks, checks and calibrations, newest first."""
    rows = []
    for row in looks:
        kiosk = f" ({row['kiosk']})" if row["kiosk"] else ""
        if row["verdict"] == screening.RETRY:
            answer = say(screening.RETRY, language, why=say(row["reason"], language))
        else:
            answer = say("body", language, body=row["body_c"]) + " · "
            answer += say(row["verdict"], language, threshold=row["threshold_c"])
        rows.append((row["at"], row["by"], say("look", language) + kiosk, answer, row["why"]))
    for row in checks:
        key = "passed" if row["passed"] else "not_passed"
        difference = row["measured_c"] - row["reference_c"]
        answer = say(key, language, difference=difference, tolerance=row["tolerance_c"])
        rows.append(
            (row["at"], row["by"], say("check", language), answer, say(row["reference"], language))
        )
    for row in calibrations:
        answer = f"{row['offset_c']:+.2f} °C, ±{row['uncertainty_c']:.2f}"
        rows.append(
            (
                row["at"],
                row["by"],
                say("calibration", language),
                answer,
                say(row["method"], language),
            )
        )
    if not rows:
        return Text(say("nothing", language))
    table = Table()
    for key in ("at", "by", "what", "result", "why"):
        table.add_column(say(key, language))
    for at, *cells in sorted(rows, key=lambda row: row[0], reverse=True):
        when = datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")
        table.add_row(when, *(Text(str(cell)) for cell in cells))
    return table
