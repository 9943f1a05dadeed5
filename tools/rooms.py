"""`tools/make-rooms`: draws the rooms of gateway/fevergate from their imports, and lists them.

import-linter finds the imports, and Graphviz draws them. An import that others imply has no arrow.
The list has the order of the floors in `[[tool.importlinter.contracts]]` of pyproject.toml.
"""

import argparse
import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gateway/fevergate"
PICTURE = ROOT / "gateway/rooms.svg"
PAGE = ROOT / "gateway/README.md"
BEGIN, END = "<!-- made by tools/make-rooms -->", "<!-- end of what tools/make-rooms makes -->"
_STYLE = (
    *("-Nshape=box", "-Nstyle=rounded,filled", "-Nfillcolor=#eef3fa", "-Ncolor=#33507a"),
    *("-Nfontname=monospace", "-Nfontsize=13", "-Nheight=0.4", "-Ecolor=#8a97a8"),
    *("-Earrowsize=0.7", "-Granksep=0.45", "-Gconcentrate=false", "-Tsvg"),
)

Arrow = tuple[str, str]


def floors() -> list[list[str]]:
    """Rooms of each floor from the top to the bottom, as in the import rules."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (rule for rule in contracts["contracts"] if "containers" in rule)
    return [[room.strip() for room in layer.split("|")] for layer in layers["layers"]]


def picture() -> str:
    """The drawing as SVG, with arrows from importing to imported rooms."""
    linter = Path(sys.executable).with_name("import-linter")
    graph_text = _output([str(linter), "drawgraph", "fevergate"])
    graph = re.sub(r'"\.(\w+)/?"', r'"\1"', _output(["tred"], graph_text))
    return _output(["dot", *_STYLE], graph)


def arrows(picture: str) -> set[Arrow]:
    """Pairs of importing and imported room in a drawing. They are the same with every version of
    Graphviz, while the places of the rooms are not."""
    return set(re.findall(r"<title>(\w+)&#45;&gt;(\w+)</title>", picture))


def _output(command: list[str], text: str = "") -> str:
    result = subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout


def table() -> str:
    """Table of the rooms from the top floor down, each with its docstring's first line."""
    lines = [BEGIN, "", "| room | what it is |", "| --- | --- |"]
    for rooms in floors():
        for room in rooms:
            path = PACKAGE / room / "__init__.py"
            if not path.exists():
                path = PACKAGE / f"{room}.py"
            link = f"fevergate/{room}/" if path.name == "__init__.py" else f"fevergate/{room}.py"
            words = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
            lines.append(f"| [`{room}`]({link}) | {words} |")
    return "\n".join([*lines, "", END])


def page() -> str:
    """Text of gateway/README.md with the present table of rooms."""
    text = PAGE.read_text("utf-8")
    before, after = text.split(BEGIN)
    return before + table() + after.split(END)[1]


def main() -> int:
    """Returns the exit code: 1 if `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="tools/make-rooms", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale files, write nothing")
    check = parser.parse_args().check
    stale = []
    drawn, text = picture(), page()
    if not PICTURE.exists() or arrows(PICTURE.read_text("utf-8")) != arrows(drawn):
        stale.append((PICTURE, drawn))
    if PAGE.read_text("utf-8") != text:
        stale.append((PAGE, text))
    for path, content in stale:
        print(f"{path.relative_to(ROOT)}: {'stale, run tools/make-rooms' if check else 'made'}")
        if not check:
            path.write_text(content, "utf-8")
    return int(bool(stale) and check)


if __name__ == "__main__":
    sys.exit(main())
