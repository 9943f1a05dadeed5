"""Reads from a gate's `AlarmState` whether a requested lamp test runs, or why not."""

from typing import Literal

from fevergate.protocol.alarm_messages import AlarmState

TEST = "lamp test: "
"""Start of the amber line that a gate has while its lamps are tested."""

DARK = "no lamp can be lit: "
"""Start of the amber line that says why no lamp of a gate can be lit."""

Answer = Literal["begun", "red", "dark"]


def answer(state: AlarmState | None) -> Answer | None:
    """`begun`, or why not: the gate is `red`, or its lamps are `dark`; None: no answer yet."""
    if state is None:
        return None
    if any(line.startswith(TEST) for line in state.amber):
        return "begun"
    if state.state == "raised":
        return "red"
    return "dark" if any(line.startswith(DARK) for line in state.amber) else None
