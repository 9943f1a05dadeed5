"""Settings from the gateway's side over those of settings.json; the last good ones are kept.

What a kiosk is called, where its broker is and its secrets are its own: nothing from the network
changes them.
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
)
_VERSION_MAX = 2**31 - 1


class RemoteSettings:
    """`settings` are those in force, `version` that of the gateway's, 0 where none ever came."""

    def __init__(self, own, path="/remote"):
        """`own` is what settings.json holds. Raises `SettingsError` where that is wrong."""
        self._own = own
        self._file = SafeFile(path)
        self.version = 0
        self.settings = Settings(own)
        known = self._file.read()
        try:
            self.settings, self.version = self._understand(known)
        except SettingsError as error:
            if known is not None:
                print("remote settings:", error)

    def take(self, message):
        """Put the gateway's settings in force and keep them; returns whether anything changed.

        All of a message or nothing of it. Raises `SettingsError`, one line.
        """
        if not isinstance(message, dict):
            raise SettingsError("expected a JSON object")
        kept = {"version": message.get("version"), "values": message.get("values")}
        settings, version = self._understand(kept)
        if version < self.version:
            raise SettingsError("version %d: %d is in force" % (version, self.version))
        if version == self.version and vars_of(settings) == vars_of(self.settings):
            return False
        try:
            self._file.write(kept)
        except OSError as error:
            raise SettingsError("flash: %s" % error)
        self.settings, self.version = settings, version
        return True

    def _understand(self, known):
        """(settings, version) of what was sent or kept. Raises `SettingsError`."""
        if not isinstance(known, dict):
            raise SettingsError("expected an object")
        version, values = known.get("version"), known.get("values")
        if isinstance(version, bool) or not isinstance(version, int):
            raise SettingsError("version: expected int")
        if not 0 <= version <= _VERSION_MAX:
            raise SettingsError("version: expected 0 to %d" % _VERSION_MAX)
        if not isinstance(values, dict):
            raise SettingsError("values: expected an object")
        merged = dict(self._own)
        for name, value in values.items():
            if name not in FIELDS:
                raise SettingsError("%s: is the kiosk's own" % str(name)[:32])
            merged[name] = value
        return Settings(merged), version


def vars_of(settings):
    """What the gateway may set, as it is."""
    return [getattr(settings, name) for name in FIELDS]
