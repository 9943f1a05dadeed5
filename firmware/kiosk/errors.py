"""Every error that the kiosk raises on purpose, from one base."""


class KioskError(Exception):
    """Base of all errors of the kiosk."""


class SensorError(KioskError):
    """The sensor gave no trustworthy temperature; `word` is what health says of it, `shown` names
    the display's words."""

    word = "sensor"
    shown = "sensor"


class BusError(SensorError):
    """Nobody acknowledged, or the bus is stuck."""

    word = "no answer"


class SetupError(SensorError):
    """The part answers, and is not set as it was delivered: what it says is no temperature of
    ours."""

    word = "emissivity or filter changed"


class PecError(SensorError):
    """The checksum of a word is wrong, again and again: a long wire, a missing pull-up."""

    word = "wrong checksum"


class InvalidError(SensorError):
    """The sensor's own error bit, or a temperature that the part cannot measure."""

    word = "invalid value"


class FrozenError(SensorError):
    """The sensor says the same again and again, to the last bit: it does not measure any more."""

    word = "frozen value"


class BlindedError(SensorError):
    """The view is as hot as skin without anybody in it: the sun, a heater. Nobody would be seen."""

    word = "view too hot"


class LensError(SensorError):
    """Face after face reads too cold for skin: something lies on the lens."""

    word = "lens blocked"
    shown = "lens"


class SettingsError(KioskError):
    """settings.json is missing or says something that it must not."""


class OutboxError(KioskError):
    """The flash does not take a reading."""


class MqttError(KioskError):
    """The broker does not answer, or says what no broker says."""


class UpdateError(KioskError):
    """An update that is not taken; nothing has changed."""


class CalibrationError(KioskError):
    """A calibration record says what no sensor's error can be."""


def plain(error):
    """An error's text for the wire: printable ASCII, at most 64; what came may be anything."""
    return "".join([one if " " <= one <= "~" else "?" for one in str(error)[:64]])
