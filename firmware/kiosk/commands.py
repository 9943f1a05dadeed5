"""Checks, applies and answers the gateway's messages: settings, calibrations and commands."""

import json

import machine

from kiosk import clock
from kiosk.errors import CalibrationError, SensorError, SettingsError, plain
from kiosk.on_demand import give_back


class Commands:
    """Handlers of the gateway's messages, which act on `app`; also the `host` of its `Update`."""

    def __init__(self, app, values, version, path="/remote"):
        """`values`: those of settings.json; `path`: where the gateway's settings are kept."""
        self.app = app
        self._own = values
        self._path = path
        self.version = version
        """Version of the gateway's settings in force; 0 if none ever arrived."""

    def settings(self, message):
        """Apply a retained settings message; publishes `settings/applied`, with any error."""
        app = self.app
        applied = {"v": 1, "kiosk": app.settings.kiosk, "at": clock.utc()}
        try:
            settings = self._taken(message)
            if settings:
                app.configure(settings)
            if message.get("calibration") is not None:
                app.calibrate(message["calibration"])
                applied["calibration"] = message["calibration"]
        except (CalibrationError, SensorError, SettingsError) as error:
            applied["error"] = plain(error)
        applied["version"] = self.version
        print("settings", applied.get("error", "applied"))
        app.link.say("settings/applied", json.dumps(applied))

    def _taken(self, message):
        """Keep the settings of a message on flash, and return them; None if they are in force
        already. Raises `SettingsError`."""
        if not isinstance(message, dict):
            raise SettingsError("expected a JSON object")
        if message.get("values") is None:
            return None
        # Loaded only here, and unloaded before the settings are applied: it takes memory.
        from kiosk.remote_settings import RemoteSettings

        try:
            remote = RemoteSettings(self._own, self._path)
            changed = remote.take(message)
            self.version = remote.version
            return remote.settings if changed else None
        finally:
            give_back("remote_settings")

    def say(self, state, **fields):
        """Publish the state of an update."""
        message = {"v": 1, "kiosk": self.app.settings.kiosk, "at": clock.utc(), "state": state}
        message.update(fields)
        print("update", state, fields.get("error", ""))
        self.app.link.say("update/state", json.dumps(message))

    def ask(self, offset):
        """Ask the gateway for the piece of an update at `offset` (bytes)."""
        self.app.link.say("update/want", json.dumps({"v": 1, "offset": offset}))

    def idle(self):
        """Whether nobody is being scanned."""
        return not self.app.link.busy

    def fault(self):
        """The sensor fault, "" where there is none, None before the first sample."""
        scanner = self.app.scanner
        return scanner.fault if scanner.fault or scanner.can_c is not None else None

    def restart(self):
        """Reset the board."""
        machine.reset()

    def command(self, message):
        """Run a command: "reference" starts or ends a calibration, "identify" blinks and beeps."""
        if message["command"] == "reference":
            self.app.scanner.refer(message["on"] is True)
            print("reference", message["on"])
        elif message["command"] == "identify":
            self.app.panel.identify()
            print("identify")
