"""The README's figures are those that the command gives."""

import re
from pathlib import Path

import click
import pytest
from every_command import COMMANDS
from simulator_helpers import PEOPLE_FILE

from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.replay import evaluate

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
ROW = re.compile(
    r"^\| (canthus|face_max|forehead) \| (FLIR|ICI)" + r" \| ([\d.]+)" * 4 + r" \|$",
    re.M,
)


@pytest.mark.skipif(not PEOPLE_FILE.exists(), reason="the measured people are not beside this")
def test_the_table_of_sites():
    rows = ROW.findall(README)
    assert len(rows) == 6
    for site, camera, *stated in rows:
        found, _ = evaluate(load_people(PEOPLE_FILE, site, camera), site, camera, 38.0)
        assert found.auc is not None and found.raw_rule.sensitivity is not None
        assert stated == [
            f"{found.sensitivity:.2f}",
            f"{found.specificity:.2f}",
            f"{found.auc:.3f}",
            f"{found.raw_rule.sensitivity:.2f}",
        ]


def test_every_command_that_is_named_is_there_with_its_options():
    lines = re.findall(r"fevergate (?!fevergate)(\w+)((?: [^`\n|]*)?)", README)
    named = [(name, rest) for name, rest in lines if name in COMMANDS]
    assert {name for name, _ in named} >= {"evaluate", "log", "calibrate", "doctor", "provision"}
    for name, rest in named:
        command = COMMANDS[name]
        if isinstance(command, click.Group):
            command = command.commands[rest.split()[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in known | {"--help"}, (name, option)
