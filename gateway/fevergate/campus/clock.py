"""The campus server's clock, judged as a gateway judges its own (`clock.judge`).

The last believed time is kept in the database. The times that gateways send, each judged at its
gateway, count as votes. While the clock is in doubt, no report is drafted, signed or due, no
gateway counts as silent, and no personal data is deleted.
"""

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import delete, select, update

from fevergate.campus.database import CampusDatabase, insert, put
from fevergate.campus.schema import clock, gateways, items
from fevergate.campus.settings import CampusSettings
from fevergate.clock.judge import ClockState, GatewayClock
from fevergate.clock.machine import kernel_synchronised, uptime
from fevergate.crypto import pki
from fevergate.errors import FeverGateError

REMEMBER_S = 60.0
STATE, BELIEVED, RIGHT = "state", "believed_at", "is_right"


class CampusClock:
    """Clock of one server process; servers on one PostgreSQL share the last believed time."""

    def __init__(
        self,
        database: CampusDatabase,
        settings: CampusSettings,
        utc: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = uptime,
        synchronised: Callable[[], bool | None] = kernel_synchronised,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        last, doubted_s = _recall(database)
        end = _certificate_end(settings)
        self._clock = GatewayClock(
            last,
            doubted_s=doubted_s,
            utc=utc,
            monotonic=monotonic,
            synchronised=synchronised,
            certificate_end=lambda: end,
        )
        self._remembered: tuple[bool, str] | None = None
        self._remember_at = 0.0

    def now(self) -> float:
        """The time to use (Unix time, s)."""
        return self._clock.now()

    def believed(self) -> bool:
        """Whether `now` is believed."""
        return self._clock.believed

    def state(self) -> ClockState:
        """Time, belief and its reason."""
        return self._clock.state()

    def gateway_says(self, gateway: str, sent_at: float) -> None:
        """Count a gateway's own time (Unix time, s), sent with a delivery, as its vote."""
        self._clock.count_vote(gateway, sent_at)

    def tick(self) -> None:
        """Store the clock's state, apply a person's confirmation, and correct stored times that a
        wrong clock gave. Raises `CampusError`."""
        state = self._clock.state()
        corrections = self._clock.corrections()
        unchanged = self._remembered == (state.believed, state.why)
        if unchanged and not corrections and self._monotonic() < self._remember_at:
            return
        with self._database.write() as connection:
            for correction in corrections:
                for column in (items.c.received_at, gateways.c.heard_at):
                    connection.execute(
                        update(column.table)
                        .where(column >= correction.begin, column <= min(correction.end, 2.0**53))
                        .values({column.name: column + correction.delta})
                    )
            if corrections:
                connection.execute(
                    delete(clock).where(clock.c.key == BELIEVED)
                )  # may lie in the future
            values = {STATE: msgspec.json.encode(state).decode()}
            if state.believed:
                values[BELIEVED] = repr(state.at)
            for key, value in values.items():
                put(connection, clock, {"key": key}, {"value": value})
            right = connection.execute(delete(clock).where(clock.c.key == RIGHT)).rowcount
        self._remembered = (state.believed, state.why)
        self._remember_at = self._monotonic() + (REMEMBER_S if state.believed else 10.0)
        if right:
            self._clock.confirm()


class TrustedClock:
    """A clock that is always believed, such as a simulated one."""

    def now(self) -> float:
        """Unix time (s)."""
        return time.time()

    def believed(self) -> bool:
        return True

    def gateway_says(self, gateway: str, sent_at: float) -> None:
        """Does nothing."""

    def tick(self) -> None:
        """Does nothing."""


def confirm_clock(database: CampusDatabase) -> None:
    """Store a person's confirmation that the server's clock is right; it applies within a minute.
    Raises `CampusError`."""
    with database.write() as connection:
        connection.execute(
            insert(clock, connection).values(key=RIGHT, value="1").on_conflict_do_nothing()
        )


def _recall(database: CampusDatabase) -> tuple[float | None, float]:
    with database.read() as connection:
        rows = dict(connection.execute(select(clock.c.key, clock.c.value)).all())
        last = float(rows[BELIEVED]) if BELIEVED in rows else None
        if last is None:  # written by a version that did not store it
            last = connection.execute(
                select(gateways.c.heard_at).order_by(gateways.c.heard_at.desc()).limit(1)
            ).scalar()
    try:
        state = msgspec.json.decode(rows.get(STATE, "null"), type=ClockState | None)
    except msgspec.MsgspecError:
        state = None
    return last, state.doubted_s if state and not state.believed else 0.0


def _certificate_end(settings: CampusSettings) -> float | None:
    try:
        certificate = pki.read_certificate(settings.path(settings.certificate))
    except (FeverGateError, OSError):
        return None
    return certificate.not_valid_after_utc.timestamp()
