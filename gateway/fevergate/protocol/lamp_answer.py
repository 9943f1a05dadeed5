"""What a gate's state answers to somebody who asked for a test of its lamps."""

from __future__ import annotations

from typing import Literal

from fevergate.protocol.messages import AlarmState

TEST = "lamp test: "
"""How a line of a gate's amber begins while its lamps are tried."""

DARK = "no lamp can be lit: "
"""How one begins that says why no lamp of a gate can be lit."""

Answer = Literal["begun", "red", "dark"]


def answer(state: AlarmState | None) -> Answer | None:
    """Whether the test goes on, or why it is not played; None before the gateway has answered."""
    if state is None:
        return None
    if any(line.startswith(TEST) for line in state.amber):
        return "begun"
    if state.state == "raised":
        return "red"
    return "dark" if any(line.startswith(DARK) for line in state.amber) else None
