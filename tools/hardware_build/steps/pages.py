"""Makes pictures and pages of the builds in both languages, from their steps."""

import re
from typing import Any

from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.modules import LINK, End, Wire, wires
from hardware_build.pages import rendered
from hardware_build.parts import Part
from hardware_build.steps import housing, layout, panels, sights, wiring
from hardware_build.steps.canvas import Canvas
from hardware_build.steps.source import (
    BUILDS,
    LANGUAGES,
    Build,
    Measure,
    Step,
    build,
    devices,
    text_in,
)

_TOP = 44


class Book:
    """The builds, with what their pictures are drawn from: filled-in wiring, parts, housing."""

    def __init__(self, texts: dict[str, str], listed: list[Part], kiosk: Enclosure) -> None:
        self.can_wiring = texts["kiosk"]
        self.listed = listed
        self.kiosk = kiosk
        self.scenes = housing.Scenes(kiosk)
        self.builds = {name: build(name) for name in BUILDS}
        steps = [step for kiosk_build in self.builds.values() for step in kiosk_build.step]
        self.drawings = {
            name: list(wires(texts[name])) for name in {step.wiring for step in steps} - {""}
        }

    def pictures(self) -> dict[str, Canvas]:
        """Each picture by its file's name. Raises `HardwareError`."""
        return {
            picture_name(name, step, language): self.picture(build, n, language)
            for name, build in self.builds.items()
            for n, step in enumerate(build.step)
            for language in LANGUAGES
        }

    def picture(self, build: Build, place: int, language: str) -> Canvas:
        """The picture of the step at a place (from 0)."""
        step = build.step[place]
        canvas = Canvas(layout.WIDE, self.alt(build, step, language))
        canvas.text((14, 28), f"{place + 1}   {text_in(step.title, language)}", 17, bold=True)
        kind = step.picture.kind
        if kind == "wires":
            earlier = self._earlier(build, place)
            wiring.picture(canvas, step, build, self.drawings, earlier, language)
        elif kind == "housing":
            panels.draw(canvas, self.scenes.drawn(step.picture.on), language, _TOP)
        elif kind == "can":
            sights.can(canvas, step, language, _TOP, self.can_wiring)
        elif kind == "wall":
            sights.wall(canvas, step, language, _TOP, self.kiosk)
        elif kind in ("meter", "flash", "tower", "kiosk", "box", "jumpers"):
            getattr(sights, kind)(canvas, step, language, _TOP)
        else:
            raise HardwareError(f"steps: {step.id}: no picture is of the kind {kind}")
        return canvas

    def _earlier(self, build: Build, place: int) -> list[Wire]:
        wiring_name = build.step[place].wiring
        return [
            wire
            for step in build.step[:place]
            if step.wiring == wiring_name
            for wire in wiring.wires_of(step, self.drawings)
        ]

    def page(self, name: str, language: str) -> str:
        """A build's page in a language."""
        build = self.builds[name]
        steps = [
            {
                "step": step,
                "number": n,
                "picture": f"pictures/steps/{picture_name(name, step, language)}",
                "alt": self.alt(build, step, language),
                "wires": self.rows(build, step, language),
                "takes": [_named(part, language) for part in self.taken(build, step)],
            }
            for n, step in enumerate(build.step, 1)
        ]
        values: dict[str, Any] = {
            "build": build,
            "source": name,
            "steps": steps,
            "language": language,
        }
        return rendered("steps.md", said=lambda pair: text_in(pair, language), **values)

    def taken(self, build: Build, step: Step) -> list[Part]:
        """Parts of the parts list that a step takes. Raises `HardwareError` for an unknown part."""
        parts = []
        for words in step.takes:
            fits = [
                part
                for part in self.listed
                if part.assembly in build.assemblies and part.item_en.startswith(words)
            ]
            if not fits:
                raise HardwareError(f"steps: {step.id}: the order has no {words}")
            exact = [part for part in fits if part.item_en == words]
            parts += (exact or fits)[:1]
        return parts

    def rows(self, build: Build, step: Step, language: str) -> list[tuple[str, str, str, str]]:
        """A step's wires as texts: from, to, colour, centimetres."""
        at = build.at.get(step.wiring, {})
        rows = []
        for wire in wiring.wires_of(step, self.drawings):
            near_end, far_end = (
                _end(end, key, language)
                for end, key in zip((wire.here, wire.there), wiring.keys(wire, at), strict=True)
            )
            via = layout.in_language(wire.via, language)
            far_end += f" ({via})" if via and wire.metres != "0" else ""
            long = f"{100 * float(wire.metres):g}" if wire.metres != "0" else ""
            rows.append((near_end, far_end, _mark(wire, language), long))
        return rows

    def alt(self, build: Build, step: Step, language: str) -> str:
        """What a picture shows, in words."""
        rows = [f"{a} – {b} {mark}".strip() for a, b, mark, _ in self.rows(build, step, language)]
        rows += [
            f"{_measured(step, m, language)} {text_in(m.want, language)}" for m in step.measure
        ]
        rows += [
            text_in(pair, language).replace("\n", {"en": " ", "zh": ""}[language])
            for pair in step.picture.captions
        ]
        title = text_in(step.title, language)
        stop, between = {"en": (": ", "; "), "zh": ("：", "；")}[language]
        return title + (stop + between.join(rows) if rows else "")


def picture_name(name: str, step: Step, language: str) -> str:
    """File name of a step's picture."""
    return f"{name}-{step.id}-{language}.svg"


def _named(part: Part, language: str) -> str:
    return part.item_en if language == "en" else part.item_zh


def _measured(step: Step, measure: Measure, language: str) -> str:
    if measure.names:
        return " – ".join(text_in(pair, language) for pair in measure.names)
    rows = getattr(devices(), step.picture.on)
    return " – ".join(
        (rows.upper if key[0] == "u" else rows.lower)[int(key[1:]) - 1] for key in measure.ends
    )


_GROUPS = {"BOARD": "EXPANSION", "INPUT": "RELAY", "CONTACTS": "RELAY"}


def _end(end: End, key: str, language: str) -> str:
    """A wire's end in words: device and terminal."""
    name = text_in(devices().names[_GROUPS.get(end.device, end.device)], language)
    name = re.split(r"[,，（]", name)[0]
    if end.device == "BOARD":
        rows = devices().adapter
        label = (rows.upper if key[0] == "u" else rows.lower)[int(key[1:]) - 1]
    elif end.device == "PI":
        label = f"{key}" + (" GND" if end.label == "GND" else "")
    elif end.device in ("INPUT", "CONTACTS"):
        rows = devices().relay
        label = (rows.upper if key[0] == "u" else rows.lower)[int(key[1:]) - 1]
    else:
        label = layout.in_language(end.label, language)
    return f"{name} **{label}**"


def _mark(wire: Wire, language: str) -> str:
    colours = devices().colours
    if wire.metres == "0":
        return wire.via
    if wire.mark in colours:
        return text_in(colours[wire.mark][:2], language)
    if wire.mark == LINK:
        return layout.in_language(LINK, language)
    return {"en": f"core {wire.mark}", "zh": f"{wire.mark} 号芯"}[language]
