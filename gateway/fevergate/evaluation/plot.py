"""Draws an evaluation: its ROC curve, and each person's estimate against the room's temperature."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from fevergate.errors import FeverGateError, NothingFoundError
from fevergate.evaluation.replay import RAW_RULE_C, Evaluation, Judged
from fevergate.evaluation.statistics import roc
from fevergate.texts.translations import translator

GREEN, RED, GREY = "#1b7f4d", "#b3261e", "#777777"


def write_plot(path: Path, evaluation: Evaluation, judged: Sequence[Judged], language: str) -> None:
    """Write both pictures as one SVG file; its text stays text.

    Raises `FeverGateError` if matplotlib is missing or the file cannot be written, and
    `NothingFoundError` if nobody is ill or nobody is well.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FeverGateError("--plot needs matplotlib: pip install 'fevergate[plot]'") from error
    if evaluation.auc is None:
        raise NothingFoundError("--plot: expected people with and without a fever")
    # The viewer's fonts are used, so that no Chinese font needs to be installed here.
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["font.family"] = "sans-serif"
    matplotlib.rcParams["svg.hashsalt"] = "fevergate"
    say = translator(language)
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(
        say(
            "{camera} · {site} · {n} people, {fevers} with {fever:.1f} °C or more in the mouth",
            camera=evaluation.camera,
            site=evaluation.site,
            n=evaluation.n,
            fevers=evaluation.fevers,
            fever=evaluation.fever_c,
        )
    )
    ill = [person for person in judged if person.ill]
    well = [person for person in judged if not person.ill]
    points = roc([person.score_c for person in ill], [person.score_c for person in well])
    left.plot(
        *zip(*points, strict=True),
        color=GREEN,
        label=say("FeverGate, AUC {auc:.3f}", auc=evaluation.auc),
    )
    left.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":")
    left.plot(
        [1 - (evaluation.specificity or 0)],
        [evaluation.sensitivity or 0],
        "o",
        color=GREEN,
        label=say("threshold {threshold:.1f} °C", threshold=evaluation.threshold_c),
    )
    left.plot(
        [1 - (evaluation.raw_rule.specificity or 0)],
        [evaluation.raw_rule.sensitivity or 0],
        "X",
        color=RED,
        label=say("raw skin ≥ {raw:.1f} °C", raw=RAW_RULE_C),
    )
    left.set(
        xlabel=say("false alarms (1 - specificity)"),
        ylabel=say("sensitivity"),
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    left.legend(loc="lower right")
    for group, colour, marker, name in (
        (well, GREEN, ".", say("No fever")),
        (ill, RED, "^", say("Fever")),
    ):
        right.scatter(
            [judged.person.ambient_c for judged in group],
            [judged.score_c for judged in group],
            s=18,
            color=colour,
            marker=marker,
            alpha=0.7,
            label=name,
        )
    right.axhline(evaluation.threshold_c, color=GREY, linestyle="--", linewidth=1)
    right.set(xlabel=say("room °C"), ylabel=say("body °C (axillary equivalent)"))
    right.legend(loc="upper left")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # the viewer's font has the glyph
            figure.savefig(path, format="svg", metadata={"Date": None, "Title": "FeverGate"})
    except OSError as error:
        raise FeverGateError(f"--plot: {path}: {error.strerror or error}") from error
