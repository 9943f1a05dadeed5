"""A board that was flashed long ago can run today's firmware as an update."""

import ast
from pathlib import Path

import pytest

KIOSK = Path(__file__).resolve().parents[2] / "firmware/kiosk"


@pytest.mark.parametrize("module", ["app", "commissioning"])
def test_the_starter_of_an_older_board_finds_what_it_runs(module):
    """`kiosk.starter` is never updated. It imports `main` from these two modules and calls it
    without arguments."""
    functions = [
        node
        for node in ast.parse((KIOSK / f"{module}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "main"
    ]
    assert [ast.unparse(function.args) for function in functions] == [""]
