"""Messages from the gateway: settings, calibration, commands; checked, applied and answered."""

import json

import machine

from kiosk import clock
from kiosk.on_demand import give_back


class Commands:
    """Handlers of the gateway's messages, which act on `app`; also the host of `Update`."""

    def __init__(self, app, own, version, path="/remote"):
        """`own`: the values of settings.json; `path`: where the gateway's settings are kept."""
        self.app = app
        self._own = own
        self._path = path
        self.version = version
        """Version of the gateway's settings in force, 0 where none ever came."""

    def settings(self, message):
        """Apply a retained settings message; publishes `settings/applied`, with any error."""
        from kiosk.settings_message import apply  # loaded only here: it takes memory

        try:
            self.version = apply(self.app, self._own, self._path, message)
        finally:
            give_back("settings_message", "remote_settings")

    def say(self, state, **more):
        """Publish the state of an update."""
        message = {"v": 1, "kiosk": self.app.settings.kiosk, "at": clock.utc(), "state": state}
        message.update(more)
        print("update", state, more.get("error", ""))
        self.app.link.say("update/state", json.dumps(message))

    def ask(self, offset):
        """Ask the gateway for the piece of an update at `offset` (bytes)."""
        self.app.link.say("update/want", json.dumps({"v": 1, "offset": offset}))

    def idle(self):
        """Whether nobody is being scanned."""
        return not self.app.link.busy

    def fault(self):
        """The sensor fault, "" where there is none, None before the first sample."""
        if self.app.fault or self.app.can_c is not None:
            return self.app.fault
        return None

    def restart(self):
        """Reset the board."""
        machine.reset()

    def command(self, message):
        """Run a command: "reference" starts or ends a calibration, "identify" blinks and beeps."""
        if message["command"] == "reference":
            self.app.refer(message["on"] is True)
            print("reference", message["on"])
        elif message["command"] == "identify":
            self.app.panel.identify()
            print("identify")
