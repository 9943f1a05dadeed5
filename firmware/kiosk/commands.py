"""Messages from the gateway: settings, calibration, commands; checked, applied and answered."""

import json

import machine

from kiosk import clock
from kiosk.errors import CalibrationError, SensorError, SettingsError, plain


class Commands:
    """Handlers of the gateway's messages, which act on `app`; also the host of `Update`."""

    def __init__(self, app, remote):
        self._app = app
        self._remote = remote

    @property
    def version(self):
        """Version of the gateway's settings in force, 0 where none ever came."""
        return self._remote.version

    def settings(self, message):
        """Apply a retained settings message; publishes `settings/applied`, with any error."""
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
        """Publish the state of an update."""
        message = {"v": 1, "kiosk": self._app.settings.kiosk, "at": clock.utc(), "state": state}
        message.update(more)
        print("update", state, more.get("error", ""))
        self._app.link.say("update/state", json.dumps(message))

    def ask(self, offset):
        """Ask the gateway for the piece of an update at `offset` (bytes)."""
        self._app.link.say("update/want", json.dumps({"v": 1, "offset": offset}))

    def idle(self):
        """Whether nobody is being scanned."""
        return not self._app.link.busy

    def fault(self):
        """The sensor fault, "" where there is none, None before the first sample."""
        if self._app.fault or self._app.can_c is not None:
            return self._app.fault
        return None

    def restart(self):
        """Reset the board."""
        machine.reset()

    def command(self, message):
        """Run a command: "reference" starts or ends a calibration, "identify" blinks and beeps."""
        if message["command"] == "reference":
            self._app.refer(message["on"] is True)
            print("reference", message["on"])
        elif message["command"] == "identify":
            self._app.panel.identify()
            print("identify")
