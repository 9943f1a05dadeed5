"""What the gateway keeps: one type for each thing that arrives or is done."""

from __future__ import annotations

from dataclasses import dataclass

from fevergate.protocol.messages import Applied, Health, Identity, Reading


@dataclass(frozen=True, slots=True)
class ReadingArrived:
    """A reading, when it came (UTC s), at which gate, and since when the red light tells of it.

    `claimed_at` is the date that its kiosk gave it, where that was not believed.
    """

    reading: Reading
    received_at: float
    gate: str
    raised_at: float | None = None
    claimed_at: float | None = None


@dataclass(frozen=True, slots=True)
class HealthArrived:
    """A kiosk's health. Where its date was not believed, `at` is by what it is covered."""

    health: Health
    received_at: float
    gate: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class StatusArrived:
    """A kiosk went online or offline."""

    kiosk: str
    status: str
    received_at: float
    gate: str


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """A kiosk answered to its settings."""

    applied: Applied
    received_at: float
    gate: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that does not validate."""

    topic: str
    reason: str
    payload: bytes
    received_at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A guard saw to these fevers; where `gate` is given, to all that are stored of it."""

    fevers: tuple[Identity, ...]
    by: str
    at: float
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class LampsTried:
    """Somebody had a gate's lamps tried; `whole` where nothing, such as a fever, broke it off."""

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
    | LampsTried
)
