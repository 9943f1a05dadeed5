"""Every error that FeverGate raises on purpose, in one place, from one base."""


class FeverGateError(Exception):
    """Base of all errors of this package; its text is one line that a person can act on."""


class SettingsError(FeverGateError, ValueError):
    """A settings file is missing, unreadable, or says something that it must not."""


class MessageError(FeverGateError, ValueError):
    """A message from the network does not validate; ``reason`` is kept in quarantine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreError(FeverGateError, RuntimeError):
    """The database cannot be opened, migrated or written."""


class BrokerError(FeverGateError, ConnectionError):
    """The broker refuses, or cannot be reached at all."""


class PinsError(FeverGateError, RuntimeError):
    """The machine's pins cannot be driven as the settings ask."""


class CampusError(FeverGateError, RuntimeError):
    """The campus server cannot start, or does not take what it is sent."""


class StrikeError(FeverGateError, ValueError):
    """A kiosk's rows cannot be struck from a day, or not be taken back; `reason` is a key of the
    pages' words, `detail` what it was about."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class PutBackError(CampusError):
    """A gateway's store has sent less than was heard of it: somebody copied an old one back."""


class ReportError(FeverGateError, ValueError):
    """A version of a report is not there, or cannot be signed or submitted; `reason` is a key of
    the pages' words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoticeError(FeverGateError, ConnectionError):
    """Somebody could not be told: what the far side said, in one line without secrets; `away` where
    nobody at all can be told there just now."""

    def __init__(self, reason: str, *, away: bool = False) -> None:
        super().__init__(reason)
        self.away = away


class CollectError(FeverGateError, RuntimeError):
    """A collector cannot go on: another has its name, or the database is another one's."""


class ProvisionError(FeverGateError, RuntimeError):
    """Certificates, credentials or the broker's configuration cannot be made."""


class NothingFoundError(FeverGateError, LookupError):
    """What a command was asked for does not exist."""


class PeopleFileError(FeverGateError, ValueError):
    """A file of people's temperatures is not what it should be: file, line, column, expectation."""


class CalibrationRefusedError(FeverGateError, ValueError):
    """What was measured against a reference cannot be a sensor's error, or says too little."""


class DeskError(FeverGateError, RuntimeError):
    """The desk's sensor cannot be had or believed; `text` and `advice` as (Chinese, English)."""

    def __init__(self, text: tuple[str, str], advice: tuple[str, str]) -> None:
        super().__init__(f"{text[1]}: {advice[1]} {text[0]}：{advice[0]}")
        self.text = text
        self.advice = advice


class KioskValueError(FeverGateError, ValueError):
    """A value cannot be set on a kiosk; the text names the value and what was expected."""


class UpdateError(FeverGateError, RuntimeError):
    """Firmware cannot be compiled, packed or signed, or a file of it is not what it should be."""


class CompilerError(FeverGateError, RuntimeError):
    """A source of the firmware does not compile, or MicroPython's compiler is not installed."""


class FlashError(FeverGateError, RuntimeError):
    """A board cannot be flashed, or what shall be put onto it is not what it should be."""


class BoardRefusedError(FlashError):
    """A kiosk does not run on this board; `text` and `advice` as (Chinese, English)."""

    def __init__(self, text: tuple[str, str], advice: tuple[str, str]) -> None:
        super().__init__(f"{text[1]}: {advice[1]} {text[0]}：{advice[0]}")
        self.text = text
        self.advice = advice


class BackupError(FeverGateError, RuntimeError):
    """A backup cannot be made, is not what was made, or cannot be put where it was asked."""


class AccountError(FeverGateError, ValueError):
    """Somebody is not let in, or cannot be; `reason` is a key of the pages' words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FollowUpError(FeverGateError, ValueError):
    """A field of a fever's follow-up is not what it can be; `reason` is a key of the words."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ClosingError(FeverGateError, RuntimeError):
    """A campus is not closed: something must be stopped, mended or said otherwise before."""


class ExportError(FeverGateError, RuntimeError):
    """A file cannot be made of a table: there is no font that has Chinese."""


class PeriodError(FeverGateError, ValueError):
    """No such day, period or gate; `reason` is a key of the pages' words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ActionError(FeverGateError, ValueError):
    """Something that an administrator asked of a kiosk cannot be; `reason` is a key of the words,
    `detail` what it was about."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
