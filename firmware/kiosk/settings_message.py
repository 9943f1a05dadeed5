"""Applies a settings message of the gateway. Loaded only for that: see `Commands.settings`."""

import json

from kiosk import clock
from kiosk.errors import CalibrationError, SensorError, SettingsError, plain
from kiosk.remote_settings import RemoteSettings


def apply(app, own, path, message):
    """Apply settings and calibration of a message, and publish `settings/applied` with any error.

    `own`: the values of settings.json; `path`: where the gateway's are kept. Returns the version of
    the settings in force.
    """
    remote = RemoteSettings(own, path)
    applied = {"v": 1, "kiosk": app.settings.kiosk, "at": clock.utc()}
    try:
        if not isinstance(message, dict):
            raise SettingsError("expected a JSON object")
        if message.get("values") is not None and remote.take(message):
            app.configure(remote.settings)
        if message.get("calibration") is not None:
            app.identify()
            app.decision.calibrate(message["calibration"], app.sensor_id)
            applied["calibration"] = message["calibration"]
    except (CalibrationError, SensorError, SettingsError) as error:
        applied["error"] = plain(error)
    applied["version"] = remote.version
    print("settings", applied.get("error", "applied"))
    app.link.say("settings/applied", json.dumps(applied))
    return remote.version
