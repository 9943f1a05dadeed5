"""Finds fevers of a period by gate, kiosk, outcome and name, the newest first.

The gateway's database holds the fevers, the web database their follow-ups; SQLite joins the two.
Names are encrypted: a search by name decrypts the follow-ups of the period one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from sqlite_utils import Database

from fevergate.errors import PeriodError
from fevergate.reports.fevers import FEVER, Fever
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.schema import struck
from fevergate.web.follow_ups import MAX_LENGTHS, OUTCOMES, Followed
from fevergate.web_common.dates import Period
from fevergate.web_common.tables import folded

if TYPE_CHECKING:
    from fevergate.web.context import Shared

OPEN = "open"
"""The choice of outcome that selects fevers whose follow-up is not closed or not begun."""

CHOICES = ("", OPEN, *OUTCOMES[1:])
"""Outcomes to search for; the first selects all."""

MAX_NAMED = 5000
"""Most follow-ups that a search by name decrypts, the newest; it takes about a second."""

MAX_MATCHES = 1000
"""Most fevers that a search by name finds, the newest."""

KIOSKS = "select distinct gate, kiosk from days order by gate, kiosk"


class FeverQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for; an empty text selects all. `name`: part of a person's name, class or
    unit. Times are Unix time (s)."""

    begin: float
    end: float
    gate: str = ""
    kiosk: str = ""
    outcome: str = ""
    name: str = ""


class FeverPage(msgspec.Struct, frozen=True):
    """A page of a list of `count` fevers; `cut`: the search ended at `MAX_NAMED` or `MAX_MATCHES`,
    so that older fevers may match too."""

    rows: list[Followed]
    count: int
    cut: bool = False


class FeverSearch:
    """Searches the fevers of a gateway. Each method raises `StoreError`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def places(self) -> dict[str, list[str]]:
        """Kiosks by gate: kiosks in the settings, and removed kiosks that have readings."""
        places = {gate.name: list(gate.kiosks) for gate in self._shared.settings.gates}
        with self._shared.reader() as reader:
            for gate, kiosk in reader.execute(KIOSKS):
                if kiosk not in (kiosks := places.setdefault(gate, [])):
                    kiosks.append(kiosk)
        return places

    def query(self, period: Period, form: Mapping[str, str]) -> FeverQuery:
        """The query that a form or a URL asks for. Raises `PeriodError` for an unknown gate, kiosk
        or outcome, and for a name that is too long."""
        places = self.places()
        gate, kiosk = form.get("gate", ""), form.get("kiosk", "")
        outcome, name = form.get("outcome", ""), form.get("name", "").strip()
        if gate and gate not in places:
            raise PeriodError("gate")
        if kiosk and not any(kiosk in kiosks for kiosks in places.values()):
            raise PeriodError("kiosk")
        if outcome not in CHOICES:
            raise PeriodError("choice")
        if len(name) > MAX_LENGTHS["person"]:
            raise PeriodError("long")
        zone = self._shared.settings.zone
        return FeverQuery(
            begin=day_bounds(period.begin, zone)[0],
            end=day_bounds(period.end, zone)[1],
            gate=gate,
            kiosk=kiosk,
            outcome=outcome,
            name=name,
        )

    def page(self, query: FeverQuery, limit: int, skip: int = 0) -> FeverPage:
        """At most `limit` of the fevers that a query finds, after the first `skip`."""
        with self._reader() as reader:
            if query.name:
                matches, cut = self._named(reader, query)
                return FeverPage(matches[skip : skip + limit], len(matches), cut)
            count = _count(reader, query)
            return FeverPage(list(self._rows(reader, query, limit, skip)), count)

    @contextmanager
    def whole(self, query: FeverQuery) -> Iterator[tuple[int, Callable[[], Iterator[Followed]]]]:
        """The number of fevers that a query finds, and a function that reads all of them one by
        one; it can be called until the context ends."""
        with self._reader() as reader:
            if query.name:
                matches, _ = self._named(reader, query)
                yield len(matches), lambda: iter(matches)
                return
            yield _count(reader, query), partial(self._rows, reader, query)

    def outcomes(self, query: FeverQuery) -> Counter[str]:
        """The number of fevers by outcome; a fever whose follow-up is not closed counts as
        `OPEN`."""
        with self._reader() as reader:
            rows = reader.execute(
                "select case when coalesce(u.closed, 0) then u.outcome else :open_name end,"
                f" count(*) {_FROM} {_WHERE} group by 1",
                _parameters(query) | {"open_name": OPEN},
            )
            return Counter(dict(rows.fetchall()))

    @contextmanager
    def _reader(self) -> Iterator[Database]:
        """A connection to both databases, in a transaction, so that all it reads is of one
        moment."""
        settings = self._shared.settings
        web = f"file:{quote(str(settings.path(settings.web.database).absolute()))}?mode=ro"
        with self._shared.reader() as reader:
            reader.execute("attach database ? as pages", (web,))
            reader.execute("begin")
            yield reader

    def _rows(
        self, reader: Database, query: FeverQuery, limit: int = -1, skip: int = 0
    ) -> Iterator[Followed]:
        parameters = _parameters(query) | {"limit": limit, "skip": skip}
        rows = reader.query(ROWS, parameters)
        fevers = (msgspec.convert(row, Fever, strict=False) for row in rows)
        return self._shared.follow_ups.beside(fevers)

    def _named(self, reader: Database, query: FeverQuery) -> tuple[list[Followed], bool]:
        """Fevers whose person or unit contains the name, and whether the search ended at a limit,
        so that older fevers may match too."""
        part = folded(query.name)
        looked_at = 0

        def matching() -> Iterator[Followed]:
            nonlocal looked_at
            for fever, follow_up in self._rows(reader, query, MAX_NAMED):
                looked_at += 1
                if follow_up and any(
                    part in folded(text) for text in (follow_up.person, follow_up.unit)
                ):
                    yield fever, follow_up

        matches = list(islice(matching(), MAX_MATCHES))
        return matches, looked_at >= MAX_NAMED or len(matches) >= MAX_MATCHES


def _parameters(query: FeverQuery) -> dict[str, Any]:
    return msgspec.structs.asdict(query)


def _count(reader: Database, query: FeverQuery) -> int:
    ((count,),) = reader.execute(COUNT, _parameters(query))
    return count


_FROM = """
    from readings r join fevers f using (kiosk, boot, seq)
    left join pages.follow_ups u using (kiosk, boot, seq)"""
# Written so that SQLite uses the partial index of fevers by time.
_WHERE = f"""
    where r.verdict = 'fever'
      and coalesce(r.at, r.received_at) >= :begin and coalesce(r.at, r.received_at) < :end
      and (:gate = '' or f.gate = :gate) and (:kiosk = '' or f.kiosk = :kiosk)
      and (:outcome in ('', 'open') or u.outcome = :outcome)
      and not (:outcome = 'open' and coalesce(u.closed, 0))
      and not (:name != '' and coalesce(u.sealed, '') = '')
      and not {struck("r", "coalesce(r.at, r.received_at)")}"""
COUNT = f"select count(*) {_FROM} {_WHERE}"
ROWS = f"""{FEVER}
    left join pages.follow_ups u using (kiosk, boot, seq) {_WHERE}
    order by coalesce(r.at, r.received_at) desc limit :limit offset :skip"""
