"""Every error that the kiosk raises on purpose, from one base."""


class KioskError(Exception):
    """Base of all errors of the kiosk."""


class SensorError(KioskError):
    """The sensor gave no trustworthy temperature."""


class BusError(SensorError):
    """Nobody acknowledged, or the bus is stuck."""


class PecError(SensorError):
    """The checksum of a word is wrong, again and again: a long wire, a missing pull-up."""


class InvalidError(SensorError):
    """The sensor's own error bit, or a temperature that the part cannot measure."""


class SettingsError(KioskError):
    """settings.json is missing or says something that it must not."""


class OutboxError(KioskError):
    """The flash does not take a reading."""


class CalibrationError(KioskError):
    """A calibration record says what no sensor's error can be."""
