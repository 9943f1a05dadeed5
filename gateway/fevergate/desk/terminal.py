"""Terminal output of the desk: digits legible from two metres, and words that give no diagnosis."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from fevergate.command_line.terminal import table
from fevergate.desk.daily_check import Check
from fevergate.desk.scan import Look, State
from fevergate.desk.sensor import Sample
from fevergate.texts.translations import N_, translator
from kiosk import screening

ANSWERS = {
    screening.FEVER: N_(
        "At or above {threshold:.1f} °C: measure with a clinical thermometer, in a separate place"
    ),
    screening.NORMAL: N_("Below {threshold:.1f} °C"),
}
"""Sentence for each verdict."""

REASONS = {
    screening.SHORT: N_("left too early: stay a little longer"),
    screening.MOVING: N_("never held still: stand still"),
    screening.FAR: N_("too cold for skin: closer, hair and glasses out of the way"),
    screening.COLD: N_("cold skin: rest indoors for five minutes, then again"),
    screening.HOT: N_("the empty view is too hot for anybody to be seen"),
    screening.WAIT: N_("the sensor's own temperature moves: hands off it, wait a moment"),
    screening.ROOM: N_("the room is too cold or too hot to measure in (16 to 35 °C)"),
}
"""Why there is no verdict."""

NAMES = {
    "blackbody": N_("black body"),
    "axillary": N_("armpit"),
    "oral": N_("mouth"),
    "one-point": N_("one black body"),
    "two-point": N_("two black bodies"),
}
"""Names of a check's references and of a calibration's methods."""

STATES = {
    "waiting": N_("waiting"),
    "scanning": N_("measuring"),
    "hot": N_("the empty view is too hot for anybody to be seen"),
}
"""Words for the state of a scan (`scan.State`)."""

NO_ANSWER = N_("No answer: {why}")
BODY = N_("body {body:.2f} °C (axillary equivalent)")
PASSED = N_("passed: {difference:+.2f} °C, allowed ±{tolerance:.2f}")
FAILED = N_("failed: {difference:+.2f} °C, allowed ±{tolerance:.2f}")

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


def big(figure: str) -> str:
    """A number in digits five lines high. A cell is two columns wide, because a character is higher
    than it is wide."""
    rows = []
    for row in range(5):
        cells = [_DIGITS[digit][4 * row : 4 * row + 3] for digit in figure]
        rows.append("  ".join(cell.replace("█", "██").replace(" ", "  ") for cell in cells))
    return "\n".join(row.rstrip() for row in rows)


def looked(look: Look, language: str) -> RenderableType:
    """One look: the temperature in large digits unless the look must be repeated, the verdict, the
    readings, and notes."""
    say = translator(language)
    style = _STYLE[look.verdict]
    parts: list[RenderableType] = []
    if look.verdict == screening.RETRY:
        verdict = say(NO_ANSWER, why=say(REASONS[look.reason]))
    else:
        parts += [Text(), Text(big(f"{_tenths(look):.1f}"), style), Text()]
        verdict = say(ANSWERS[look.verdict], threshold=look.threshold_c)
    parts.append(Text(verdict, style))
    if look.verdict != screening.RETRY:  # a scan without a result has no body temperature
        parts.append(Text(say(BODY, body=look.body_c)))
    figures = say(
        "skin {skin:.2f} °C, ambient {ambient:.2f} °C, wrong checksums {pec}, no answer {bus}",
        skin=look.skin_c,
        ambient=look.can_c,
        pec=look.pec_errors,
        bus=look.bus_errors,
    )
    parts.append(Text(figures))
    if not look.checked:
        unchecked = say("not checked within a day, or it failed: fevergate desk check --by NAME")
        parts.append(Text(unchecked, "yellow"))
    if not look.calibrated:
        uncalibrated = say("this sensor was never calibrated: fevergate desk calibrate --by NAME")
        parts.append(Text(uncalibrated, "yellow"))
    clinical = say("It screens and does not diagnose: a clinical thermometer decides.")
    parts.append(Text(clinical, "dim"))
    return Group(*parts)


def _tenths(look: Look) -> float:
    """The temperature rounded to tenths. It is not rounded up to the threshold from below."""
    rounded = round(look.body_c, 1)
    if look.verdict == screening.NORMAL and rounded >= look.threshold_c:
        return look.threshold_c - 0.1
    return rounded


def live(sample: Sample, state: State, pec: int, bus: int, language: str) -> Text:
    """One line with the current readings of the sensor."""
    say = translator(language)
    figures = say(
        "object {object:.2f} °C, ambient {ambient:.2f} °C, wrong checksums {pec}, no answer {bus}",
        object=sample.object_c,
        ambient=sample.can_c,
        pec=pec,
        bus=bus,
    )
    return Text(f"{say(STATES[state])} · {figures}", "yellow" if state == "hot" else "")


def checked(check: Check, language: str) -> RenderableType:
    """Result of a check, and what to do if it failed."""
    say = translator(language)
    text, style = (PASSED, "bold green") if check.passed else (FAILED, "bold red")
    text = say(text, difference=check.difference_c, tolerance=check.tolerance_c)
    parts = [Text(text, style)]
    if not check.passed:
        if check.difference_c < 0:
            advice = say(
                "it reads low: clean the lens, come closer so that the reference fills the view,"
                " wait 20 minutes, check again; if it still fails: fevergate desk calibrate"
            )
        else:
            advice = say(
                "it reads high: does a hand or a machine warm the sensor? wait 20 minutes,"
                " check again; if it still fails: fevergate desk calibrate"
            )
        parts += [Text(advice), Text(say("until then judge nobody by it"), style)]
    if check.reference != "blackbody":
        gross = say("beside a person only gross errors show; a black body is the check")
        parts.append(Text(gross, "dim"))
    return Group(*parts)


def history(
    looks: list[dict[str, Any]],
    checks: list[dict[str, Any]],
    calibrations: list[dict[str, Any]],
    zone: ZoneInfo,
    language: str,
) -> RenderableType:
    """Table of all looks, checks and calibrations, newest first."""
    say = translator(language)
    rows = []
    for row in looks:
        kiosk = f" ({row['kiosk']})" if row["kiosk"] else ""
        verdict, reason = row["verdict"], row["reason"]
        if verdict == screening.RETRY:
            answer = say(NO_ANSWER, why=say(REASONS[reason]))
        else:
            answer = say(BODY, body=row["body_c"]) + " · "
            answer += say(ANSWERS[verdict], threshold=row["threshold_c"])
        rows.append((row["at"], row["by"], say("look") + kiosk, answer, row["why"]))
    for row in checks:
        difference = row["measured_c"] - row["reference_c"]
        reference = NAMES[row["reference"]]
        text = PASSED if row["passed"] else FAILED
        answer = say(text, difference=difference, tolerance=row["tolerance_c"])
        rows.append((row["at"], row["by"], say("check"), answer, say(reference)))
    for row in calibrations:
        method = NAMES[row["method"]]
        answer = f"{row['offset_c']:+.2f} °C, ±{row['uncertainty_c']:.2f}"
        rows.append((row["at"], row["by"], say("calibration"), answer, say(method)))
    if not rows:
        return Text(say("nothing was kept yet"))
    titles = (N_("When"), N_("Guard"), N_("Action"), N_("Result"), N_("Why"))
    rows.sort(key=lambda row: row[0], reverse=True)
    return table(
        map(say, titles),
        ((f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}", *cells) for at, *cells in rows),
    )
