"""The gateway's word: settings, the unit's calibration, commands; taken apart and answered."""

import json

import machine

from kiosk import clock
from kiosk.errors import CalibrationError, SensorError, SettingsError, plain


class Commands:
    """What to do with messages; `app` puts in force what they ask for."""

    def __init__(self, app, remote):
        self._app = app
        self._remote = remote

    @property
    def version(self):
        """Of the gateway's settings that are in force, 0 where none ever came."""
        return self._remote.version

    def settings(self, message):
        """A retained message: all that is in it, or one line on what is wrong."""
        app = self._app
        applied = {"v": 1, "kiosk": app.settings.kiosk, "at": clock.utc()}
        try:
            if not isinstance(message, dict):
                raise SettingsError("expected a JSON object")
            if message.get("values") is not None and self._remote.take(message):
                app.configure(self._remote.settings)
            if message.get("calibration") is not None:
                app.identify()
                app.decision.calibrate(message["calibration"], app.sensor_id)
                applied["calibration"] = message["calibration"]
        except (CalibrationError, SensorError, SettingsError) as error:
            applied["error"] = plain(error)
        applied["version"] = self.version
        print("settings", applied.get("error", "applied"))
        app.link.say("settings/applied", json.dumps(applied))

    def say(self, state, **more):
        """Where an update stands."""
        told = {"v": 1, "kiosk": self._app.settings.kiosk, "at": clock.utc(), "state": state}
        told.update(more)
        print("update", state, more.get("error", ""))
        self._app.link.say("update/state", json.dumps(told))

    def ask(self, offset):
        """For a piece of an update."""
        self._app.link.say("update/want", json.dumps({"v": 1, "offset": offset}))

    def idle(self):
        """Whether nobody is being measured."""
        return not self._app.link.busy

    def fault(self):
        """What keeps the kiosk from measuring, "" where nothing does, None as long as neither has
        shown itself."""
        if self._app.fault or self._app.can_c is not None:
            return self._app.fault
        return None

    def restart(self):
        """Boot the board."""
        machine.reset()

    def command(self, message):
        """Something to do now."""
        if message["command"] == "reference":
            self._app.refer(message["on"] is True)
            print("reference", message["on"])
        elif message["command"] == "identify":
            self._app.panel.identify()
            print("identify")
