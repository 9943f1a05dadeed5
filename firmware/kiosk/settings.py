"""The board's settings: one JSON file with its name, its place, its credential."""

import json

from kiosk import screening
from kiosk.baseline import BOUND_C
from kiosk.errors import SettingsError
from kiosk.estimate import SITES
from kiosk.words import WORDS

PATH = "/settings.json"
CA_PATH = "/ca.der"

# Follow the crowd, stay at `baseline_c`, or at the factory curve.
BASELINES = ("auto", "fixed", "off")

# Field: (type, default); no default means that it must be there.
_FIELDS = {
    "kiosk": (str,),
    "campus": (str,),
    "gate": (str, ""),
    "site": (str, "canthus"),
    "language": (str, "zh"),
    "threshold_c": (float, screening.THRESHOLD_C),
    "confirm_scans": (int, 1),
    "baseline": (str, "auto"),
    "baseline_c": (float, 0.0),
    "wifi_ssid": (str, ""),
    "wifi_password": (str, ""),
    "broker_host": (str,),
    "broker_port": (int, 8883),
    "broker_name": (str, "fevergate-gateway"),
    "username": (str,),
    "password": (str,),
    "ntp_host": (str, ""),
    "ntp_port": (int, 123),
}


class Settings:
    """Attributes as in settings.json, checked."""

    kiosk: str
    campus: str
    gate: str
    site: str
    language: str
    threshold_c: float
    confirm_scans: int
    baseline: str
    baseline_c: float
    wifi_ssid: str
    wifi_password: str
    broker_host: str
    broker_port: int
    broker_name: str
    username: str
    password: str
    ntp_host: str
    ntp_port: int

    def __init__(self, values):
        for name, field in _FIELDS.items():
            if name in values:
                value = values[name]
                if field[0] is float and isinstance(value, int) and not isinstance(value, bool):
                    value = float(value)
            elif len(field) == 2:
                value = field[1]
            else:
                raise SettingsError("%s: missing, expected %s" % (name, field[0].__name__))
            if not isinstance(value, field[0]) or isinstance(value, bool):
                raise SettingsError("%s: expected %s" % (name, field[0].__name__))
            setattr(self, name, value)
        self._choice("site", SITES)
        self._choice("language", WORDS)
        if not 35.0 <= self.threshold_c <= 40.0:
            raise SettingsError("threshold_c: expected 35 to 40 C, axillary equivalent")
        self._choice("baseline", BASELINES)
        if not 0 <= self.confirm_scans <= 3:
            raise SettingsError("confirm_scans: expected 0 to 3 further scans")
        if not -BOUND_C <= self.baseline_c <= BOUND_C:
            raise SettingsError("baseline_c: expected %g to %g C" % (-BOUND_C, BOUND_C))
        if not 1 <= self.broker_port <= 65535:
            raise SettingsError("broker_port: expected 1 to 65535")
        for name in ("kiosk", "campus", "broker_host"):
            if not getattr(self, name):
                raise SettingsError("%s: is empty" % name)

    def _choice(self, name, among):
        if getattr(self, name) not in among:
            raise SettingsError("%s: expected one of %s" % (name, ", ".join(sorted(among))))


def load(path=PATH):
    """Read the settings. Raises `SettingsError`, one line: file, field, what was expected."""
    try:
        with open(path) as file:
            values = json.load(file)
    except OSError:
        raise SettingsError("%s: no such file" % path)
    except ValueError:
        raise SettingsError("%s: not JSON" % path)
    if not isinstance(values, dict):
        raise SettingsError("%s: expected a JSON object" % path)
    try:
        return Settings(values)
    except SettingsError as error:
        raise SettingsError("%s: %s" % (path, error))
