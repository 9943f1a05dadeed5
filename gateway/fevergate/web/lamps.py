"""Has a gate's lamps tried, and learns from the gateway whether it does so."""

from __future__ import annotations

import asyncio
import time

from fevergate.protocol.lamp_answer import answer
from fevergate.texts.translations import N_
from fevergate.web.live import Live

ANSWER_S = 8.0
"""How long the gateway may take to begin."""

ASK_S = 0.5
"""How often it is looked at where no event tells of a change."""

UNTRIED = {
    "line": N_("The lamps were not tried: the gateway cannot be told now."),
    "red": N_("The lamps were not tried: this gate is red."),
    "dark": N_("The lamps were not tried: they cannot be lit; the reason is shown above."),
    "silent": N_(
        "The lamps were not tried: the gateway did not answer. Does it know this gate?"
        " fevergate doctor tells more."
    ),
}
"""Why no test was begun."""


async def try_lamps(live: Live, gate: str, by: str) -> str:
    """Ask for a test; returns a key of `UNTRIED`, or "" once the gateway has begun.

    Raises `NothingFoundError` for a gate that is not ours.
    """
    changed = live.subscribe()
    try:
        if not live.try_lamps(gate, by):
            return "line"
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            changed.clear()
            if result := answer(live.now(gate).alarm):
                return "" if result == "begun" else result
            try:
                await asyncio.wait_for(changed.wait(), ASK_S)
            except TimeoutError:
                continue
        return "silent"
    finally:
        live.unsubscribe(changed)
