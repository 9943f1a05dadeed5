"""Restarts the board once nobody is there: for settings that take effect at a start."""

import asyncio

from kiosk.scan import WAITING

_TELL_MS = 3000  # time to tell the gateway that the settings were applied


async def once_idle(app):
    """Restart while nobody is in view or asked to come again, for whom a restart would alarm. An
    update on trial is waited for: a reset would end it."""
    await asyncio.sleep_ms(_TELL_MS)
    while (
        app.decision.scan.state != WAITING
        or app.decision.screening.pending is not None
        or app.update.on_trial
    ):
        await asyncio.sleep_ms(_TELL_MS)
    app.commands.restart()
