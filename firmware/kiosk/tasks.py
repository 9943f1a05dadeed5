"""Runs the tasks of a kiosk or a lamp post, restarts those that fail, and judges an update."""

import asyncio
import sys

import machine

from kiosk import clock
from kiosk.update import TRIAL_MS


async def run(app, own_tasks):
    """Run the app's `own_tasks`, [(name, function)], and the tasks of every board, for ever."""

    async def trial():
        await _prove(app)

    async def keep_clock():
        settings = app.settings
        news, idle = app.report.now, app.commands.idle
        await clock.keep(settings.ntp_host, settings.ntp_port, news, idle)

    all_tasks = own_tasks + [
        ("link", app.link.run),
        ("health", app.report.run),
        ("wifi", app.wifi.run),
        ("update", app.update.run),
        ("trial", trial),
        ("clock", keep_clock),
    ]
    await asyncio.gather(*[_supervise(app, name, work) for name, work in all_tasks])


async def _supervise(app, name, work):
    """Run a task, and start it again when it raises. While an update is on trial, reset the board
    instead, which brings the old firmware back."""
    while True:
        try:
            await work()
            return
        except Exception as error:
            print("task %s fell:" % name)
            sys.print_exception(error)
            if app.update.on_trial:
                machine.reset()  # the starter then boots the previous firmware
            await asyncio.sleep(1)


async def _prove(app):
    """Confirm an update on trial once it is healthy, or reset the board after `TRIAL_MS`. Without a
    trial, report the last update if it was rolled back."""
    update = app.update
    while not update.healthy(app.uptime.ms(), app.link.up):
        if update.on_trial and app.uptime.ms() > TRIAL_MS:
            print("update not healthy in time")
            machine.reset()
        await asyncio.sleep(1)
    if update.on_trial:
        update.confirm()
    else:
        update.report()
