"""Self-test of parts that a person has to see or hear: each is driven, and the person is asked."""

from collections.abc import Callable

from fevergate.command_line.finding import Finding, fails, not_shown, ok
from fevergate.kiosks.cable import Cable
from fevergate.texts.translations import N_, Pair

Ask = Callable[[Pair], bool | None]
"""Asks the person a question (Chinese, English); returns None if nobody is there."""

WIRES = N_("check wires, supply and pull-ups: hardware/README.md")
PARTS = N_("polarity, resistor, pin: hardware/pins.md")


def light(
    cable: Cable, colour: str, name: Pair, question: Pair, ask: Ask, advice: str = PARTS
) -> Finding:
    """Switch an output ("green", "amber", "red") on, ask about `name`, and switch it off.
    `advice` is for a part that did not react."""
    wrong = cable.ask(f"told(light, {colour!r}, True)")
    answer = None
    if not wrong:
        answer = ask(question)
        wrong = cable.ask(f"told(light, {colour!r}, False)")
    if wrong:
        return fails(colour, wrong["error"], WIRES)
    return seen(colour, name, answer, advice)


def seen(check: str, name: Pair, answer: bool | None, advice: str = PARTS) -> Finding:
    """The result of a person's answer about a part that was driven."""
    if answer is None:
        return not_shown(check, "{name} was driven, nobody was asked", name=name)
    if answer:
        return ok(check, "somebody confirmed it")
    return fails(check, "{name} did not react", advice, name=name)
