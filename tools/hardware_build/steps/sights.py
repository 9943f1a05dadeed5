"""Scenes that are neither wires nor solids: measuring, flashing, lit lamps, the wall."""

from math import cos, radians, sin

from hardware_build import harness
from hardware_build.assembly import from_the_kiosk
from hardware_build.enclosure import KEYHOLES_MM, LUG_MM, Enclosure
from hardware_build.errors import HardwareError
from hardware_build.steps import layout
from hardware_build.steps.canvas import INK, LIT, PALE, SOFT, Box, Canvas, Point, width
from hardware_build.steps.source import Step, devices, text_in

_LAMPS = {"red": "#d62222", "amber": "#f5a800", "green": "#1f9d4d"}
_MARK = "#c4161c"


def meter(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """Where the meter's two tips go for each numbered measurement, and what the meter must show."""
    kind = step.picture.on
    stacks: dict[str, list[int]] = {}
    for n, measure in enumerate(step.measure, 1):
        for key in measure.ends:
            stacks.setdefault(key, []).append(n)
    above = max((len(v) for k, v in stacks.items() if k.startswith("u")), default=0)
    below = max((len(v) for k, v in stacks.items() if k.startswith("l")), default=0)
    main = layout.strip(kind, top + 18 + 21 * above)
    layout.draw(canvas, main, set(stacks), language, step.picture.board)
    for key, numbers in stacks.items():
        terminal = main.terminals[key]
        for place, n in enumerate(numbers):
            away = 25 + 21 * place
            _dot(canvas, (terminal.x, terminal.y - away if terminal.up else terminal.y + away), n)
    y = main.box.bottom + 24 + 21 * below
    for n, measure in enumerate(step.measure, 1):
        names = [main.terminals[key].name for key in measure.ends]
        if measure.names:
            names = [text_in(pair, language) for pair in measure.names]
        _dot(canvas, (30, y - 4), n)
        canvas.text((48, y), " – ".join(names), 12.5, bold=True)
        canvas.text((178, y), text_in(measure.want, language), 12.5, colour=_MARK, bold=True)
        canvas.text((392, y), text_in(measure.why, language), 12)
        y += 24
    if step.picture.board and kind == "adapter":
        _usb(canvas, main, y + 6, text_in(step.picture.captions[0], language))


def _dot(canvas: Canvas, at: Point, n: int) -> None:
    canvas.disc(at, 9.5, _MARK, "#ffffff", 1.5)
    canvas.text((at[0], at[1] + 4), str(n), 11, "middle", "#ffffff", bold=True)


def _usb(canvas: Canvas, main: layout.Device, y: float, words: str) -> None:
    """A USB cable from the board's socket down to a box."""
    right = main.box.right - 10
    socket = (main.box.top + main.box.bottom) / 2 + 16
    canvas.line(
        [(right, socket), (right + 28, socket), (right + 28, y + 14), (560, y + 14)], INK, 5
    )
    box = Box(560 - width(words, 12) - 24, y, 560, y + 28)
    canvas.rect(box, SOFT)
    canvas.text((box.left + 12, y + 18), words, 12)


def flash(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """The bare board on the gateway's USB cable."""
    board = Box(60, top + 20, 440, top + 118)
    canvas.rect(board, "#cfd9e6")
    for y in (board.top + 9, board.bottom - 9):
        for n in range(22):
            canvas.disc((board.left + 20 + n * 16.2, y), 2.6, "#f2d58a", INK, 0.8)
    canvas.rect(Box(board.left + 8, board.top + 20, board.left + 140, board.bottom - 20), "#ffffff")
    middle = (board.top + board.bottom) / 2
    canvas.text((board.left + 74, middle - 3), "ESP32-S3-WROOM-1", 11, "middle")
    canvas.text((board.left + 74, middle + 15), "N8R2", 15, "middle", bold=True)
    layout.sockets(canvas, board)
    canvas.line([(board.right + 6, middle + 16), (590, middle + 16)], INK, 5)
    canvas.text((452, middle + 38), text_in(devices().names["DATA_CABLE"], language), 12)
    box = Box(590, top + 30, 730, top + 108)
    canvas.rect(box, SOFT)
    canvas.text((660, middle + 4), text_in(devices().names["GATEWAY"], language), 13, "middle")
    _captions(canvas, step, language, board.bottom + 30)


def _captions(canvas: Canvas, step: Step, language: str, y: float) -> None:
    for pair in step.picture.captions:
        canvas.text((60, y), text_in(pair, language), 13)
        y += 22


def tower(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """What the tower shows, one state beside the other: `amber`, `red+siren`, "" for dark."""
    _states(canvas, step, language, top, _one_tower)


def _one_tower(canvas: Canvas, lit: set[str], x: float, top: float, language: str) -> float:
    y = top
    canvas.rect(Box(x - 20, y, x + 20, y + 8), "#c9d2de")
    y += 8
    for lamp, colour in _LAMPS.items():
        on = lamp in lit
        canvas.rect(Box(x - 24, y, x + 24, y + 34), colour if on else "#ffffff", INK, 1.5, 3)
        if on:
            for side in (-1, 1):
                for dy in (8, 17, 26):
                    canvas.line(
                        [(x + side * 30, y + dy), (x + side * 44, y + dy + (dy - 17) * 0.5)],
                        colour,
                        2.5,
                    )
        y += 34
    on = "siren" in lit
    canvas.rect(Box(x - 24, y, x + 24, y + 26), LIT if on else "#c9d2de", INK, 1.5, 3)
    if on:
        for radius in (10, 18, 26):
            high = radius * 0.7
            for side in (-1, 1):
                start, end = (
                    (x + side * (26 + radius / 2), y + 13 - high / 2),
                    (
                        x + side * (26 + radius / 2),
                        y + 13 + high / 2,
                    ),
                )
                canvas.path(
                    f"M{start[0]:.1f} {start[1]:.1f}Q{start[0] + side * 8:.1f} {y + 13:.1f}"
                    f" {end[0]:.1f} {end[1]:.1f}",
                    INK,
                    1.8,
                )
    canvas.rect(Box(x - 7, y + 26, x + 7, y + 54), "#c9d2de", round_by=0)
    return y + 54


def kiosk(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """What the kiosk's lights show, one state beside the other."""
    _states(canvas, step, language, top, _one_kiosk)


def _one_kiosk(canvas: Canvas, lit: set[str], x: float, top: float, language: str) -> float:
    canvas.rect(Box(x - 52, top, x + 52, top + 156), SOFT, round_by=9)
    canvas.disc((x, top + 32), 14, "#ffffff")
    canvas.disc((x, top + 32), 5, "#c9d2de")
    canvas.rect(Box(x + 18, top + 26, x + 30, top + 38), "#ffffff", thick=1.2)
    canvas.rect(Box(x - 14, top + 74, x + 14, top + 90), INK if lit else "#ffffff", thick=1.2)
    for n, lamp in enumerate(("green", "amber", "red")):
        at = (x - 24 + 24 * n, top + 112)
        if lamp in lit:
            canvas.disc(at, 12, "none", _LAMPS[lamp], 2)
        canvas.disc(at, 7.5, _LAMPS[lamp] if lamp in lit else "#ffffff")
    for dx in (-5, 0, 5):
        canvas.disc((x + dx, top + 136), 1.5, INK, INK)
    return top + 156


def _states(canvas: Canvas, step: Step, language: str, top: float, draw) -> None:
    states, captions = step.picture.lamps, step.picture.captions
    if len(states) != len(captions):
        raise HardwareError(f"steps: {step.id}: expected a caption for each state of the lamps")
    share = canvas.wide / len(states)
    for n, (state, pair) in enumerate(zip(states, captions, strict=True)):
        x = (n + 0.5) * share
        bottom = draw(canvas, set(state.split("+")) - {""}, x, top + 8, language)
        for line, words in enumerate(text_in(pair, language).split("\n")):
            canvas.text((x, bottom + 22 + 18 * line), words, 12.5, "middle")


def can(canvas: Canvas, step: Step, language: str, top: float, wiring: str) -> None:
    """The can's four pins from behind, the meter's tips at VDD and VSS."""
    pins = harness.can(wiring)
    centre = (250.0, top + 110.0)
    canvas.disc(centre, 84, "#cfd9e6")
    turn = radians(-45)
    tab = (centre[0] + 90 * cos(turn), centre[1] + 90 * sin(turn))
    canvas.disc(tab, 13, "#cfd9e6")
    canvas.text((tab[0] + 20, tab[1] + 4), text_in(devices().names["TAB"], language), 12)
    meter_at = Box(560, top + 64, 730, top + 154)
    canvas.rect(meter_at, SOFT)
    canvas.text((645, top + 96), text_in(devices().names["VOLTMETER"], language), 12, "middle")
    canvas.text((645, top + 124), "2.9–3.4 V", 16, "middle", _MARK, bold=True)
    names = pins["names"]
    for number, x, y in pins["pins"]:
        at = (centre[0] + x - 120, centre[1] + y - 120)
        probe = {"VDD": "#d62222", "VSS": "#2b2b2b"}.get(names[number])
        canvas.disc(at, 9, LIT if probe else "#ffffff")
        words = f"{number} {names[number]}"
        place = (at[0] + 13, at[1] + 4) if at[0] < centre[0] - 20 else (at[0], at[1] + 25)
        anchor = "start" if at[0] < centre[0] - 20 else "middle"
        canvas.text(place, words, 12, anchor, bold=bool(probe))
        if names[number] == "VDD":
            low = top + 212
            out = (centre[0] - 110, at[1])
            points = [(at[0] - 10, at[1]), out, (out[0], low), (645, low), (645, meter_at.bottom)]
            canvas.wire(points, "#d62222")
        elif names[number] == "VSS":
            high = top + 12
            points = [(at[0], at[1] - 10), (at[0], high), (645, high), (645, meter_at.top)]
            canvas.wire(points, "#2b2b2b")
    _captions(canvas, step, language, top + 240)


def wall(canvas: Canvas, step: Step, language: str, top: float, housing: Enclosure) -> None:
    """Heights above the floor of the three screws in the wall."""
    axis_mm = housing.figures()["axis_high_mm"]
    _, up, _ = from_the_kiosk(housing, (0, housing.box.axis_mm, housing.opening_mm))
    heights = [axis_mm - up + y for y in (*(k + 5 for k in reversed(KEYHOLES_MM)), -LUG_MM)]
    scale, x = 1.25, 250.0
    high = top + 30

    def place(mm: float) -> float:
        return high + (axis_mm + 40 - mm) * scale

    low = place(heights[-1]) + 60
    canvas.rect(Box(x - 120, top + 4, x + 120, low), "#f7f4ee", PALE)
    half = housing.box.height_mm / 2
    edges = [axis_mm - up + from_the_kiosk(housing, (0, y, 0))[1] for y in (half, -half)]
    shape = Box(x - 65, place(edges[0]), x + 65, place(edges[1]))
    canvas.rect(shape, "none", PALE, 1.2, 9, dashed=True)
    canvas.line([(x - 90, place(axis_mm)), (x + 90, place(axis_mm))], "#c4161c", 1.2, dashed=True)
    words = {"en": "sensor's axis", "zh": "传感器光轴"}[language]
    canvas.text((x + 132, place(axis_mm) + 4), f"{words}  {axis_mm / 10:.1f} cm", 13)
    for n, mm in enumerate(heights, 1):
        at = (x, place(mm))
        canvas.disc(at, 6, LIT, INK, 2)
        canvas.line([(x - 3, at[1] - 3), (x + 3, at[1] + 3)], INK)
        canvas.line([(x + 8, at[1]), (x + 128, at[1])], INK, 1)
        canvas.text((x + 132, at[1] + 4), f"{n}   {mm / 10:.1f} cm", 13, bold=True)
    canvas.line([(x - 150, low + 26), (x + 150, low + 26)], INK, 3)
    words = {"en": "floor  0 cm", "zh": "地面  0 cm"}[language]
    canvas.text((x + 160, low + 30), words, 13)
    for n in range(-7, 8):
        canvas.line([(x + 20 * n, low + 36), (x + 20 * n + 10, low + 26)], PALE, 1.2)
    canvas.line([(x, low + 4), (x - 8, low + 10), (x + 8, low + 16), (x, low + 22)], PALE, 1.5)
    _captions(canvas, step, language, low + 62)


def box(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """A bought box with the devices that are tied down in it, and its cables below."""
    outer = Box(120, top + 10, 640, top + 290)
    canvas.rect(outer, SOFT, round_by=12)
    inner = Box(outer.left + 14, outer.top + 14, outer.right - 14, outer.bottom - 14)
    canvas.rect(inner, "#ffffff", PALE)
    place = {
        "RELAY": Box(150, top + 44, 380, top + 150),
        {"post": "ADAPTER", "gate": "PI"}[step.picture.on]: Box(150, top + 172, 380, top + 256),
        "JACK": Box(430, top + 50, 600, top + 92),
        "CLAMP": Box(430, top + 116, 600, top + 152),
    }
    for name, area in place.items():
        canvas.rect(area, "#ffdf9e")
        words = text_in(devices().names[name], language)
        middle = ((area.left + area.right) / 2, (area.top + area.bottom) / 2 + 4)
        canvas.text(middle, words, 12, "middle")
    cables = step.picture.captions
    for n, pair in enumerate(cables):
        x = outer.left + (n + 0.5) * (outer.right - outer.left) / len(cables)
        canvas.rect(Box(x - 12, outer.bottom - 8, x + 12, outer.bottom + 18), "#c9d2de")
        canvas.line([(x, outer.bottom + 18), (x, outer.bottom + 44)], INK, 4)
        for line, words in enumerate(text_in(pair, language).split("\n")):
            canvas.text((x, outer.bottom + 62 + 17 * line), words, 12, "middle")


def jumpers(canvas: Canvas, step: Step, language: str, top: float) -> None:
    """The relay module with its four jumpers at H."""
    main = layout.strip("relay", top + 12)
    layout.draw(canvas, main, set(), language)
    for n in range(4):
        x = main.box.left + 10 + (3 * n + 1.5) * layout.PITCH["relay"]
        canvas.disc((x, main.box.top + 95.5), 13, "none", _MARK, 3)
    _captions(canvas, step, language, main.box.bottom + 32)
