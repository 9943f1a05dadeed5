"""Strikes of rows that were received with a replaced token.

A strike excludes from the figures all rows received with a token since a given time, and the
reports show the strike. It deletes and changes no row. Taking a strike back is recorded, too, and
restores the figures exactly.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, update

from fevergate.campus.database import CampusDatabase, insert
from fevergate.campus.replaced import in_use, of_token
from fevergate.campus.report import TokenStrike
from fevergate.campus.schema import audit, items, strikes
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import mark_days
from fevergate.errors import StrikeError
from fevergate.protocol.campus_messages import MAX_REASON

CAME = (items.c.epoch, items.c.token, items.c.received_at)
"""Columns, besides the gateway, by which a strike selects rows, in the order of the parameters of
`TokenStrikes.of`."""

MOST_STRIKES = 200
"""Most strikes of all gateways, including those taken back: each report checks each row against
them."""


class TokenStrikes:
    """All strikes of a campus server, as one transaction reads them."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(strikes).order_by(strikes.c.id))
        self.all = [TokenStrike(**row._mapping) for row in rows]
        self._by_token: dict[tuple[str, str], list[TokenStrike]] = {}
        for strike in self.all:
            self._by_token.setdefault((strike.gateway, strike.token), []).append(strike)

    def of(self, gateway: str, epoch: str, token: str, received_at: float) -> list[TokenStrike]:
        """Strikes that select a row, including those taken back."""
        return [
            strike
            for strike in self._by_token.get((gateway, token), ())
            if strike.epoch in (None, epoch) and received_at >= strike.since
        ]

    def strike(self, gateway: str, epoch: str, token: str, received_at: float) -> bool:
        """Whether a row is struck and does not count."""
        return any(s.undone_at is None for s in self.of(gateway, epoch, token, received_at))


def read_strikes(database: CampusDatabase) -> list[TokenStrike]:
    """All strikes, including those taken back, by number."""
    with database.read() as connection:
        return TokenStrikes(connection).all


class TokenStrikeWriter:
    """Makes strikes and takes them back, and records `by` and `reason`. Each call is one audited
    transaction, and the server may be running. Raises `StrikeError`, `CampusError`."""

    def __init__(
        self,
        database: CampusDatabase,
        settings: CampusSettings,
        now: Callable[[], float],
        *,
        by: str,
        reason: str,
    ) -> None:
        for name, text, most in (("by", by, 64), ("reason", reason, MAX_REASON)):
            if not 1 <= len(text.strip()) <= most or not text.isprintable():
                raise StrikeError(name, str(most))
        self._database = database
        self._settings = settings
        self._now = now
        self._by = by
        self._reason = reason

    def strike(self, gateway: str, token: str, epoch: str | None, since: float) -> TokenStrike:
        """Strike rows received from `since` on (Unix time, s) with a token no longer in use;
        `token` is the beginning of the token's digest."""
        with self._database.write() as connection:
            token = self._token(connection, gateway, token)
            present = TokenStrikes(connection).all
            for strike in present:
                same = (strike.gateway, strike.token) == (gateway, token)
                same = same and strike.epoch in (None, epoch)
                if same and strike.undone_at is None and strike.since <= since:
                    raise StrikeError("struck", str(strike.id))
            if len(present) >= MOST_STRIKES:
                raise StrikeError("often", str(MOST_STRIKES))
            values: dict[str, Any] = {"gateway": gateway, "token": token, "epoch": epoch}
            values |= {"since": since, "at": self._now(), "by": self._by, "reason": self._reason}
            number = connection.execute(
                insert(strikes, connection).values(values).returning(strikes.c.id)
            ).scalar_one()
            new = TokenStrike(id=number, **values)
            if not self._mark(connection, new):
                raise StrikeError("nothing", f"{gateway}/{token[:8]}")
            self._note(connection, "strike", new)
        return new

    def take_back(self, number: int) -> TokenStrike:
        """Take back strike `number`, so that its rows count again."""
        with self._database.write() as connection:
            undone = {"undone_by": self._by, "undone_reason": self._reason}
            row = connection.execute(
                update(strikes)
                .where(strikes.c.id == number, strikes.c.undone_at.is_(None))
                .values(undone_at=self._now(), **undone)
                .returning(*strikes.c)
            ).first()
            if row is None:
                raise StrikeError("not_struck", str(number))
            ended = TokenStrike(**row._mapping)
            self._mark(connection, ended)
            self._note(connection, "take back strike", ended)
        return ended

    def _token(self, connection: Connection, gateway: str, begin: str) -> str:
        tokens = connection.scalars(
            select(items.c.token)
            .where(items.c.gateway == gateway, items.c.token != "")
            .where(items.c.token.startswith(begin, autoescape=True))
            .distinct()
        ).all()
        if len(tokens) != 1:
            raise StrikeError("token" if tokens else "nothing", f"{gateway}/{begin}")
        if in_use(self._settings, gateway, tokens[0]):
            raise StrikeError("in_use", f"{gateway}/{tokens[0][:8]}")
        return tokens[0]

    def _mark(self, connection: Connection, strike: TokenStrike) -> int:
        """Mark the days of a strike's rows, so that their reports are made again; returns the
        number of these rows."""
        conditions = [of_token(strike.gateway, strike.token), items.c.received_at >= strike.since]
        if strike.epoch is not None:
            conditions.append(items.c.epoch == strike.epoch)
        rows = connection.execute(
            select(items.c.campus, items.c.key, items.c.kind, items.c.date).where(*conditions)
        ).mappings()
        by_campus: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_campus.setdefault(row["campus"], []).append(dict(row))
        for campus, of_campus in by_campus.items():
            sender = {"campus": campus, "gateway": strike.gateway}
            mark_days(connection, sender, of_campus, self._now())
        return sum(map(len, by_campus.values()))

    def _note(self, connection: Connection, action: str, strike: TokenStrike) -> None:
        text = f"{strike.id}: {strike.gateway}/{strike.token[:8]}: {self._reason}"
        connection.execute(
            audit.insert().values(at=self._now(), user=self._by, action=action, what=text)
        )
