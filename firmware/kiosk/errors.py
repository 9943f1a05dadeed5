"""The exceptions that the kiosk raises, all derived from `KioskError`."""


class KioskError(Exception):
    """Base of all exceptions of the kiosk."""


class SensorError(KioskError):
    """The sensor gave no trustworthy temperature.

    `word`: the fault in the health message; `shown`: key of the display's words.
    """

    word = "sensor"
    shown = "sensor"


class BusError(SensorError):
    """No device acknowledged, or a wire of the bus is held low."""

    word = "no answer"


class SetupError(SensorError):
    """The sensor's emissivity or filter is not as delivered, so its values cannot be used."""

    word = "emissivity or filter changed"


class PecError(SensorError):
    """The checksum of a word was wrong at each try, by a long wire or a missing pull-up."""

    word = "wrong checksum"


class InvalidError(SensorError):
    """The sensor set its error bit, or read a temperature outside its range."""

    word = "invalid value"


class FrozenError(SensorError):
    """The sensor repeats the same value to the last bit: it no longer measures."""

    word = "frozen value"


class BlindedError(SensorError):
    """The empty view is as hot as skin (the sun, a heater), so a person could not be detected."""

    word = "view too hot"


class LensError(SensorError):
    """Every face reads too cold for skin: dirt or tape is on the lens."""

    word = "lens blocked"
    shown = "lens"


class SettingsError(KioskError):
    """Settings are missing or invalid; the text names the field and what was expected."""


class OutboxError(KioskError):
    """The flash refused to store a reading."""


class MqttError(KioskError):
    """The broker does not answer, or violates MQTT."""


class UpdateError(KioskError):
    """An update was refused; the installed firmware has not changed."""


class CalibrationError(KioskError):
    """A calibration record is malformed, implausible, or for another sensor."""


def plain(error):
    """An error's text for a message: at most 64 characters; "?" for all but printable ASCII."""
    return "".join([char if " " <= char <= "~" else "?" for char in str(error)[:64]])
