"""Generates the files of `hardware/`, and compares them with those on disk.

Texts are compared byte by byte. Graphviz and matplotlib draw with a system's own fonts. Therefore
an SVG is compared by its texts and colours; a PNG by its look, and by the digest of its source that
is stored in it. Solids are compared by volume, and pictures of them by their texts and colours.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardware_build import (
    aiming,
    assembly,
    boards,
    circuit,
    drawing,
    electrical,
    handbook,
    harness,
    heads,
    modules,
    optics,
    parts,
    pins,
    printable,
)
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.layout import page as layout_page
from hardware_build.layout import plan as layout_plan
from hardware_build.pages import rendered
from hardware_build.pictures import labelled, same_picture
from hardware_build.steps.pages import Book
from hardware_build.steps.source import LANGUAGES
from hardware_build.table import HARDWARE

_NOTE = "<!-- Built by tools/make-hardware from {sources}: change those. -->\n\n# {title}\n\n"


def _page(name: str, **values: Any) -> bytes:
    return rendered(name, **values).encode()


def build(say: Callable[[str], None] = lambda _: None) -> dict[Path, bytes]:
    """Content of each generated file, by path. Raises `HardwareError`."""
    files: dict[str, bytes] = {}

    say("pins")
    table = pins.load()
    models = boards.load()
    files["pins.md"] = _page(
        "pins.md", pins=table, boards=models, uses=boards.USES, header=pins.HEADER
    )
    files["boards.md"] = _page("boards.md", boards=models)

    say("electrics")
    wiring = harness.sources(table)
    kiosk = Enclosure()
    figures, values = electrical.compute(harness.lengths_m(wiring["kiosk"]), table, kiosk.sensor)
    files["electrical.md"] = electrical.markdown(figures).encode()

    for name, source in wiring.items():
        say(f"wiring of {name}")
        for ending, content in harness.draw(name, source).items():
            files[f"wiring/{name}.{ending}"] = content

    files["pictures/can.svg"] = _page("can.svg", **harness.can(wiring["kiosk"]))

    for name in circuit.BOARDS:
        say(f"board {name}")
        board = circuit.load(name, table, values)
        files[f"circuit/{name}.net"] = circuit.netlist(board).encode()
    files["carrier.md"] = layout_page.page(layout_plan.load(kiosk=kiosk)).encode()

    say("optics and parts")
    supply = next(figure.value for figure in figures if figure.english == electrical.SUPPLY)
    sensors, face = optics.load()
    view = {"view": optics.view, "face": face, "distance_mm": kiosk.view.distance_mm}
    files["optics.md"] = _page(
        "optics.md",
        sensors=sensors.values(),
        farthest_mm=optics.farthest_mm,
        aiming=aiming.compare(kiosk),
        people=aiming.PEOPLE,
        half=aiming.half_of_best(face),
        assumptions=heads.load().sources,
        **view,
    )
    files["parts.md"] = _page(
        "parts.md",
        parts=parts.load(),
        notes=parts.NOTES,
        total_cny=parts.total_cny,
        find=optics.find,
        supply_c=supply,
        **view,
    )

    say("enclosure")
    files["enclosure.md"] = _page(
        "enclosure.md", sensor=kiosk.sensor, steps=assembly.steps(kiosk), **kiosk.figures()
    )
    for part in (*kiosk.parts, kiosk.back_for_modules):
        files[f"enclosure/{part.name}.stl"] = printable.stl(part.printed)
    digest = hashlib.sha256(b"".join(v for k, v in sorted(files.items()) if k.endswith(".stl")))
    files["pictures/enclosure.png"] = labelled(drawing.picture(kiosk), digest.hexdigest())

    say("modules")
    files["modules.md"] = _page(
        "modules.md",
        parts=parts.load(),
        notes=parts.NOTES,
        total_cny=parts.total_cny,
        wires=modules.rows,
        wiring=wiring,
        differences=modules.differences(kiosk.sensor),
    )

    files["lamp-post.md"] = _page(
        "lamp-post.md",
        parts=parts.load(),
        total_cny=parts.total_cny,
        wires=modules.rows,
        wiring=wiring,
        pins=table.kiosk,
    )

    say("steps")
    book = Book(wiring, parts.load(), kiosk)
    for name, canvas in book.pictures().items():
        if clashes := canvas.clashes():
            raise HardwareError(f"pictures/steps/{name}: {'; '.join(clashes)}")
        files[f"pictures/steps/{name}"] = canvas.svg().encode()
    for name in book.builds:
        for language in LANGUAGES:
            files[f"{name}-steps-{language}.md"] = book.page(name, language).encode()

    say("handbook")
    for language in handbook.LANGUAGES:
        source = f"handbook/{language}.md.in, firmware and settings"
        files[f"handbook-{language}.md"] = _text(
            source, handbook.TITLES[language], handbook.markdown(language, kiosk)
        )
        files[f"pictures/lights-{language}.svg"] = handbook.lights(language).encode()
    return {HARDWARE / name: content for name, content in files.items()}


def _text(sources: str, title: str, body: str) -> bytes:
    return (_NOTE.format(sources=sources, title=title) + body).encode()


def stale(files: dict[Path, bytes]) -> list[str]:
    """A line for each file that is missing, differs from `files`, or is no longer generated."""
    lines = []
    for path, content in files.items():
        try:
            present = path.read_bytes()
        except OSError as error:
            lines.append(f"{path.name}: {error.strerror}")
            continue
        if present != content and (why := _differs(path, present, content)):
            lines.append(f"{path.relative_to(HARDWARE)}: {why}")
    return lines + layout_page.outdated(layout_plan.load()) + _left_over(files)


def _differs(path: Path, present: bytes, content: bytes) -> str | None:
    if path.suffix == ".svg":
        old, new = present.decode(errors="replace"), content.decode()
        if 'data-exact="true"' in new:
            return "is another picture"
        if harness.words(old) != harness.words(new):
            return "says something else"
        return None if harness.colours(old) == harness.colours(new) else "other colours"
    if path.suffix == ".png":
        return same_picture(present, content)
    if path.suffix == ".stl":
        try:
            changed = printable.different_mm3(printable.load_stl(path), printable.parsed(content))
        except HardwareError as error:
            return str(error)
        return None if changed < 1 else f"{changed:.0f} mm³ differ"
    return "differs"


def _left_over(files: dict[Path, bytes]) -> list[str]:
    """Files of generated kinds that are not in `files`."""
    pattern = re.compile(r"\.(gv|svg|net|stl)$")
    return [
        f"{path.relative_to(HARDWARE)}: no longer built"
        for path in sorted(HARDWARE.rglob("*"))
        if pattern.search(path.name) and path not in files
    ]
