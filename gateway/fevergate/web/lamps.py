"""Asks the gateway to test a gate's lamps, and waits until it begins or refuses."""

import asyncio
import time

from fevergate.protocol.lamp_answer import answer
from fevergate.texts.translations import N_
from fevergate.web.live import Live

PATIENCE_S = 3
"""A button of the board waits this long (s) for its answer."""

ANSWER_S = PATIENCE_S - 0.5
"""Time (s) to wait for the gateway's answer; the rest is left for the page's answer."""

POLL_S = 0.5
"""Seconds between reads of the answer if no event comes."""

TEST_REFUSALS = {
    "line": N_("The lamps were not tried: the gateway cannot be reached."),
    "red": N_("The lamps were not tried: this gate is red."),
    "dark": N_("The lamps were not tried: they cannot be lit; the reason is shown above."),
    "silent": N_(
        "The lamps were not tried: the gateway did not answer. Does it know this gate?"
        " fevergate doctor tells more."
    ),
}
"""Why no test began, by key."""


async def try_lamps(live: Live, gate: str, by: str) -> str:
    """Ask for a test; return "" when the gateway has begun, else a key of `TEST_REFUSALS`.

    Raises `NothingFoundError` for an unknown gate.
    """
    changed = live.subscribe()
    try:
        if not live.try_lamps(gate, by):
            return "line"
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            changed.clear()
            if result := answer(live.now(gate).alarm):
                return "" if result == "begun" else result
            try:
                await asyncio.wait_for(changed.wait(), POLL_S)
            except TimeoutError:
                continue
        return "silent"
    finally:
        live.unsubscribe(changed)
