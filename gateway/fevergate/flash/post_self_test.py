"""A lamp post's part of the self-test: lamps, siren and button instead of sensor and display."""

from collections.abc import Iterator

from fevergate.command_line.finding import Finding, fails, not_shown, ok
from fevergate.flash.self_test_answers import Ask, light, seen
from fevergate.kiosks.cable import Cable
from fevergate.texts.translations import N_, both

ROLE = "lamp_post"
"""The settings' `role` of a lamp post (firmware's `settings_check.ROLES`)."""

_POST = N_("check relay module, its 12 V, wires and pin: hardware/lamp-post.md")
_NAMES = {"red": N_("the red lamp"), "amber": N_("the amber lamp"), "green": N_("the green lamp")}


def run(cable: Cable, ask: Ask) -> Iterator[Finding]:
    """Yield each result as it comes; `on_board.py` must be on the board. Afterwards all outputs are
    off, so that amber is lit by the relay's resting contact."""
    for colour in ("green", "red", "amber"):
        name = both(_NAMES[colour])
        question = both("Did {name} light up?", name=name)
        if colour == "amber":
            question = both("Did {name} go out?", name=name)
        yield light(cable, colour, name, question, ask, _POST)
    if wrong := cable.ask("told(siren)"):
        yield fails("siren", wrong["error"], _POST)
    else:
        yield seen("siren", both("the siren"), ask(both("Did you hear the siren?")), _POST)
    yield _button(cable, ask)


def _button(cable: Cable, ask: Ask) -> Finding:
    if cable.ask("told(button)") is not False:
        return fails("button", "is down, and nobody was asked to press it", _POST)
    pressed = ask(both("Hold the button down, then answer: is it down?"))
    if pressed is None:
        return not_shown("button", "is up; nobody was asked to press it")
    if pressed and cable.ask("told(button)") is True:
        return ok("button", "pressed, and seen by the board")
    return fails("button", "was not seen pressed", _POST)
