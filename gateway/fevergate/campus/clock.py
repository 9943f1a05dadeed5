"""What a campus server's own clock is worth, by the judge that a gateway has.

What it believed last lies in its database; gateways, whose clocks are judged where they are, agree
or not. While it is in doubt no day is drafted, signed or told to be late, and no name is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import delete, select, update

from fevergate.campus.database import CampusDatabase, insert
from fevergate.campus.schema import clock, gateways, items
from fevergate.campus.settings import CampusSettings
from fevergate.clock.judge import (
    ClockState,
    GatewayClock,
    kernel_synchronised,
    uptime,
)
from fevergate.crypto import pki
from fevergate.errors import FeverGateError

REMEMBER_S = 60.0
STATE, BELIEVED, RIGHT = "state", "believed_at", "is_right"


class CampusClock:
    """One process's; several on one PostgreSQL share what was believed last."""

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
        """UTC s, by which everything here is dated."""
        return self._clock.now()

    def believed(self) -> bool:
        """Whether that time is believed."""
        return self._clock.believed

    def state(self) -> ClockState:
        """What the clock is worth now."""
        return self._clock.state()

    def gateway_says(self, gateway: str, sent_at: float) -> None:
        """A gateway's own time (UTC s) as it posted what has just come."""
        self._clock.kiosk_says(gateway, sent_at)

    def tick(self) -> None:
        """Remember what it is worth, take a person's word, mend what a wrong clock dated. Raises
        `CampusError`."""
        state = self._clock.state()
        corrections = self._clock.corrections()
        same = self._remembered == (state.believed, state.why)
        if same and not corrections and self._monotonic() < self._remember_at:
            return
        with self._database.write() as connection:
            for one in corrections:
                for column in (items.c.received_at, gateways.c.heard_at):
                    connection.execute(
                        update(column.table)
                        .where(column >= one.begin, column <= min(one.end, 2.0**53))
                        .values({column.name: column + one.delta})
                    )
            if corrections:
                connection.execute(
                    delete(clock).where(clock.c.key == BELIEVED)
                )  # it may have been ahead
            values = {STATE: msgspec.json.encode(state).decode()}
            if state.believed:
                values[BELIEVED] = repr(state.at)
            for key, value in values.items():
                connection.execute(
                    insert(clock, connection)
                    .values(key=key, value=value)
                    .on_conflict_do_update(index_elements=["key"], set_={"value": value})
                )
            right = connection.execute(delete(clock).where(clock.c.key == RIGHT)).rowcount
        self._remembered = (state.believed, state.why)
        self._remember_at = self._monotonic() + (REMEMBER_S if state.believed else 10.0)
        if right:
            self._clock.confirm()


class Trusted:
    """For a clock that nobody doubts, such as a played one."""

    def now(self) -> float:
        """UTC s."""
        return time.time()

    def believed(self) -> bool:
        """Always."""
        return True

    def gateway_says(self, gateway: str, sent_at: float) -> None:
        """Nothing to learn."""

    def tick(self) -> None:
        """Nothing to remember."""


def say_right(database: CampusDatabase) -> None:
    """A person's word that the server's clock is right: it takes it within a minute. Raises
    `CampusError`."""
    with database.write() as connection:
        connection.execute(
            insert(clock, connection).values(key=RIGHT, value="1").on_conflict_do_nothing()
        )


def _recall(database: CampusDatabase) -> tuple[float | None, float]:
    with database.read() as connection:
        rows = dict(connection.execute(select(clock.c.key, clock.c.value)).all())
        last = float(rows[BELIEVED]) if BELIEVED in rows else None
        if last is None:  # of a server from before this was kept
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
