"""Records that the gateway stores: one type for each kind of message or event.

All times are Unix time in s.
"""

from dataclasses import dataclass

from fevergate.protocol.messages import Applied, Health, Identity, Reading


@dataclass(frozen=True, slots=True)
class ReadingArrived:
    """A reading with its time of arrival and its gate.

    `raised_at` is when a fever raised the alarm; `claimed_at` is the kiosk's date where that was
    not believed. `person` is the number in the list of the person who tapped a card for it.
    """

    reading: Reading
    received_at: float
    gate: str
    raised_at: float | None = None
    claimed_at: float | None = None
    person: int | None = None


@dataclass(frozen=True, slots=True)
class HealthArrived:
    """A kiosk's health. `at` dates its coverage where the kiosk's own date was not believed."""

    health: Health
    received_at: float
    gate: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class StatusArrived:
    """A kiosk's status, `online` or `offline`."""

    kiosk: str
    status: str
    received_at: float
    gate: str


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """A kiosk's answer to its settings."""

    applied: Applied
    received_at: float
    gate: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is not valid, with the reason."""

    topic: str
    reason: str
    payload: bytes
    received_at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A guard acknowledged these fevers; with `gate`, all stored fevers of that gate, too."""

    fevers: tuple[Identity, ...]
    by: str
    at: float
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class LampsTested:
    """A test of a gate's lamps; `whole` unless something, such as a fever, broke it off."""

    gate: str
    by: str
    at: float
    whole: bool


Record = (
    ReadingArrived
    | HealthArrived
    | StatusArrived
    | SettingsApplied
    | Rejected
    | Acknowledged
    | LampsTested
)
