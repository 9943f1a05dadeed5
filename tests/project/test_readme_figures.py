"""The pages state the figures that `evaluate` gives, and name only commands that exist."""

import re
from pathlib import Path

import click
import pytest
from every_command import COMMANDS
from simulator_helpers import PEOPLE_FILE

from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.replay import evaluate

ROOT = Path(__file__).resolve().parents[2]
EVALUATION = (ROOT / "gateway/evaluation.md").read_text()
PAGES = [
    *ROOT.glob("README*.md"),
    *(ROOT / "gateway").glob("*.md"),
    *(ROOT / "firmware").glob("*.md"),
    *(ROOT / "tools").glob("*.md"),
    *(ROOT / "tests").glob("*.md"),
]
ROW = re.compile(
    r"^\| (canthus|face_max|forehead) \| (FLIR|ICI)" + r" \| ([\d.]+)" * 4 + r" \|$",
    re.M,
)


@pytest.mark.skipif(not PEOPLE_FILE.exists(), reason="the measured people are not beside this")
def test_the_table_of_sites():
    rows = ROW.findall(EVALUATION)
    assert len(rows) == 6
    for site, camera, *stated in rows:
        result, _ = evaluate(load_people(PEOPLE_FILE, site, camera), site, camera, 38.0)
        assert result.auc is not None and result.raw_rule.sensitivity is not None
        assert stated == [
            f"{result.sensitivity:.2f}",
            f"{result.specificity:.2f}",
            f"{result.auc:.3f}",
            f"{result.raw_rule.sensitivity:.2f}",
        ]


def test_every_command_that_is_named_is_there_with_its_options():
    text = "\n".join(page.read_text() for page in PAGES)
    lines = re.findall(r"fevergate (?!fevergate)(\w+)((?: [^`\n|]*)?)", text)
    uses = [(name, arguments) for name, arguments in lines if name in COMMANDS]
    assert {name for name, _ in uses} >= {"evaluate", "log", "calibrate", "doctor", "provision"}
    for name, arguments in uses:
        command = COMMANDS[name]
        if isinstance(command, click.Group):
            command = command.commands[arguments.split()[0]]
        options = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"--[a-z-]+", arguments):
            assert option in options | {"--help"}, (name, option)
