"""Draws an evaluation: its ROC curve, and each person's estimate over the room's temperature."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from fevergate.errors import FeverGateError, NothingFoundError
from fevergate.evaluation.replay import RAW_RULE_C, Evaluation, Judged
from fevergate.evaluation.statistics import roc

GREEN, RED, GREY = "#1b7f4d", "#b3261e", "#777777"

WORDS = {
    # key: (Chinese, English)
    "title": (
        "{camera} · {site} · {n} 人，口温 ≥ {fever:.1f} °C 者 {fevers} 人",
        "{camera} · {site} · {n} people, {fevers} with {fever:.1f} °C or more in the mouth",
    ),
    "false": ("误报率（1 - 特异度）", "false alarms (1 - specificity)"),
    "seen": ("灵敏度", "sensitivity"),
    "score": ("体温估计（腋温等效）°C", "body °C (axillary equivalent)"),
    "room": ("室温 °C", "room °C"),
    "ours": ("FeverGate，AUC {auc:.3f}", "FeverGate, AUC {auc:.3f}"),
    "here": ("阈值 {threshold:.1f} °C", "threshold {threshold:.1f} °C"),
    "raw": ("皮肤原始温度 ≥ {raw:.1f} °C", "raw skin ≥ {raw:.1f} °C"),
    "ill": ("发热", "fever"),
    "well": ("未发热", "no fever"),
}


def write_plot(path: Path, evaluation: Evaluation, judged: Sequence[Judged], language: str) -> None:
    """Write the pictures as one SVG, its text as text.

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
    # The viewer's fonts are used: no Chinese one needs to be installed here.
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["font.family"] = "sans-serif"
    matplotlib.rcParams["svg.hashsalt"] = "fevergate"
    say = {key: pair[0 if language == "zh" else 1] for key, pair in WORDS.items()}
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(
        say["title"].format(
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
    left.plot(*zip(*points, strict=True), color=GREEN, label=say["ours"].format(auc=evaluation.auc))
    left.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":")
    left.plot(
        [1 - (evaluation.specificity or 0)],
        [evaluation.sensitivity or 0],
        "o",
        color=GREEN,
        label=say["here"].format(threshold=evaluation.threshold_c),
    )
    left.plot(
        [1 - (evaluation.raw_rule.specificity or 0)],
        [evaluation.raw_rule.sensitivity or 0],
        "X",
        color=RED,
        label=say["raw"].format(raw=RAW_RULE_C),
    )
    left.set(xlabel=say["false"], ylabel=say["seen"], xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    left.legend(loc="lower right")
    for group, colour, marker, key in ((well, GREEN, ".", "well"), (ill, RED, "^", "ill")):
        right.scatter(
            [judged.person.ambient_c for judged in group],
            [judged.score_c for judged in group],
            s=18,
            color=colour,
            marker=marker,
            alpha=0.7,
            label=say[key],
        )
    right.axhline(evaluation.threshold_c, color=GREY, linestyle="--", linewidth=1)
    right.set(xlabel=say["room"], ylabel=say["score"])
    right.legend(loc="upper left")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # the viewer's font has it
            figure.savefig(path, format="svg", metadata={"Date": None, "Title": "FeverGate"})
    except OSError as error:
        raise FeverGateError(f"--plot: {path}: {error.strerror or error}") from error
