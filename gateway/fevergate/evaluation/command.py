"""`fevergate evaluate`: shows how well the shipped decision finds fevers."""

from pathlib import Path

import click
import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from fevergate.command_line.options import FiniteRange, json_option, spoken_option
from fevergate.command_line.terminal import console, table
from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.replay import RAW_RULE_C, Evaluation, Interval, evaluate
from fevergate.texts.translations import translator
from kiosk.estimate import SITES
from kiosk.screening import THRESHOLD_C


@click.command("evaluate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--site",
    type=click.Choice(sorted(SITES)),
    default="canthus",
    show_default=True,
    help="Part of the face.",
)
@click.option(
    "--fever",
    "fever_c",
    type=FiniteRange(35, 42),
    default=38.0,
    show_default=True,
    help="Lowest oral temperature that counts as a fever, °C; 37.5 and 38.0 are usual.",
)
@click.option("--camera", default="FLIR", show_default=True, help="Camera whose rows are read.")
@click.option(
    "--threshold",
    "threshold_c",
    type=FiniteRange(35, 40),
    default=THRESHOLD_C,
    show_default=True,
    help="Threshold of the kiosk, °C (axillary).",
)
@json_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write an SVG with the ROC curve and the estimates by room temperature.",
)
@spoken_option
def evaluate_command(
    file: Path,
    site: str,
    fever_c: float,
    camera: str,
    threshold_c: float,
    as_json: bool,
    plot: Path | None,
    language: str,
) -> None:
    """Evaluate the kiosks' decision on measured people, and count right and wrong verdicts.

    FILE is CSV with one person per row. Its columns are subject, camera, ambient_c, oral_c, and the
    skin temperatures SITE_1 to SITE_4 in °C, where SITE is the part of the face. If there is a
    column time, people are taken in its order. The firmware's own code decides: SITE_1 to SITE_4
    are the samples of one scan, and the crowd's baseline starts without readings.

    \b
      fevergate evaluate people.csv
      fevergate evaluate people.csv --site forehead --fever 37.5 --plot forehead.svg
      fevergate evaluate people.csv --json | jq .sensitivity
    """
    people = load_people(file, site, camera)
    evaluation, judged = evaluate(people, site, camera, fever_c, threshold_c)
    if plot:
        from fevergate.evaluation.plot import write_plot

        write_plot(plot, evaluation, judged, language)
    if as_json:
        click.echo(msgspec.json.encode(evaluation).decode())
    else:
        console().print(as_table(evaluation, language))


def as_table(result: Evaluation, language: str) -> RenderableType:
    """The result as tables and sentences for a terminal."""
    say = translator(language)
    title = say(
        "{camera}, {site}, fever from {fever:.1f} °C in the mouth on",
        camera=result.camera,
        site=result.site,
        fever=result.fever_c,
    )
    people = say("{n} people, {fevers} with a fever", n=result.n, fevers=result.fevers)
    if result.skipped:
        people += say(" ({skipped} without a reference left out)", skipped=result.skipped)
    label = say(
        "FeverGate, threshold {threshold:.1f} °C (axillary equivalent)",
        threshold=result.threshold_c,
    )
    raw = say("raw skin ≥ {skin:.1f} °C", skin=RAW_RULE_C)
    fixed = say("fixed skin threshold ≥ {skin:.2f} °C", skin=result.fixed_rule.skin_c)
    rules = (
        (
            name,
            _share(rule.sensitivity_interval, result.fevers),
            _share(rule.specificity_interval, result.n - result.fevers),
        )
        for name, rule in (
            (Text(label, "bold"), result),
            (raw, result.raw_rule),
            (fixed, result.fixed_rule),
        )
    )
    counts = (
        (say("Alarm"), str(result.true_positive), str(result.false_positive)),
        (say("No alarm"), str(result.false_negative), str(result.true_negative)),
    )
    sentences = []
    if result.auc is not None and result.auc_interval:
        low, high = result.auc_interval
        area = say(
            "AUC {auc:.3f} (95 % {low:.3f} to {high:.3f}, DeLong)",
            auc=result.auc,
            low=low,
            high=high,
        )
        sentences.append(area)
    reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(result.retry_reasons.items()))
    retries = say(
        "{count} asked again: {reasons}", count=result.retries, reasons=reasons or say("none")
    )
    baseline = say("crowd's baseline at the end {baseline:+.2f} °C", baseline=result.baseline_c)
    sentences += [retries, baseline + (say(", reads off") if result.drift else "")]
    sentences.append(
        say(
            "Not in these figures: a gate's queues, seasons and drift, strangers who step in"
            " between two scans, and that people at a gate differ more than in a laboratory (SD"
            " 0.53 to 0.64 where here it is 0.42 °C): expect more alarms. tools/measure stress"
            " plays them."
        )
    )
    return Group(
        Text(title, "bold"),
        Text(people),
        table([say("Rule")], rules, [say("Sensitivity (95 %)"), say("Specificity (95 %)")]),
        table([""], counts, [say("Fever"), say("No fever")]),
        *map(Text, sentences),
    )


def _share(interval: Interval, trials: int) -> str:
    if not trials:
        return "-"
    return f"{interval.share:.3f} ({interval.low:.3f} - {interval.high:.3f})"
