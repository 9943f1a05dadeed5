"""Settings from the gateway, which override settings.json; the last valid ones are stored.

The kiosk's name, its broker and its secrets cannot be changed from the network.
"""

from kiosk.errors import SettingsError
from kiosk.safe_file import SafeFile
from kiosk.settings import Settings

FIELDS = (
    "site",
    "threshold_c",
    "confirm_scans",
    "baseline",
    "baseline_c",
    "language",
    "volume",
    "brightness",
    "quiet_from",
    "quiet_to",
    "utc_offset_min",
    "notice",
    "notice_glyphs",
    "card",
    "card_reader",
    "card_order",
    "card_base",
)
_VERSION_MAX = 2**31 - 1


class RemoteSettings:
    """The board's settings with the gateway's changes.

    `settings`: the settings in force; `version`: the version of the gateway's last settings, 0
    before the first.
    """

    def __init__(self, values, path="/remote"):
        """Start with `values`, those of settings.json. Raises `SettingsError` if any is wrong."""
        self._own = values
        self._file = SafeFile(path)
        self.version = 0
        self.settings = Settings(values)
        stored = self._file.read()
        try:
            self.settings, self.version = self._understand(stored)
        except SettingsError as error:
            if stored is not None:
                print("remote settings:", error)

    def take(self, message):
        """Apply a settings message and store it on flash; returns whether anything changed.

        A message is applied as a whole or not at all. Raises `SettingsError` with one line.
        """
        if not isinstance(message, dict):
            raise SettingsError("expected a JSON object")
        document = {"version": message.get("version"), "values": message.get("values")}
        settings, version = self._understand(document)
        if version < self.version:
            raise SettingsError("version %d: %d is in force" % (version, self.version))
        if version == self.version and vars_of(settings) == vars_of(self.settings):
            return False
        try:
            self._file.write(document)
        except OSError as error:
            raise SettingsError("flash: %s" % error)
        self.settings, self.version = settings, version
        return True

    def _understand(self, stored):
        """(settings, version) from a received or stored message. Raises `SettingsError`."""
        if not isinstance(stored, dict):
            raise SettingsError("expected an object")
        version, values = stored.get("version"), stored.get("values")
        if isinstance(version, bool) or not isinstance(version, int):
            raise SettingsError("version: expected int")
        if not 0 <= version <= _VERSION_MAX:
            raise SettingsError("version: expected 0 to %d" % _VERSION_MAX)
        if not isinstance(values, dict):
            raise SettingsError("values: expected an object")
        merged = dict(self._own)
        for name, value in values.items():
            if name not in FIELDS:
                raise SettingsError("%s: cannot be set from the gateway" % str(name)[:32])
            merged[name] = value
        return Settings(merged), version


def vars_of(settings):
    """The values of the fields that the gateway may set."""
    return [getattr(settings, name) for name in FIELDS]
