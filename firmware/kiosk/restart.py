"""Restarts the board once nobody is there: for settings that take effect at a start."""

import asyncio

from kiosk.scan import WAITING

_TELL_MS = 3000  # time to tell the gateway that the settings were applied


async def once_idle(app):
    """Restart once nobody is in view and no second scan is awaited: a restart would raise the alarm
    for that person. Also waits while an update is on trial: a reset would roll it back."""
    await asyncio.sleep_ms(_TELL_MS)
    while (
        app.decision.scan.state != WAITING
        or app.decision.screening.pending is not None
        or app.update.on_trial
    ):
        await asyncio.sleep_ms(_TELL_MS)
    app.commands.restart()
