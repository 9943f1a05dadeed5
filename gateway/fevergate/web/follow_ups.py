"""What became of a fever: a second measurement, an outcome, whose it was. Saved half-done, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.errors import FollowUpError
from fevergate.protocol import Identity
from fevergate.web.store import WebStore

SITES = ("", "axillary", "oral", "ear")
OUTCOMES = ("", "released", "home", "clinic", "other")
LONGEST = {"person": 64, "unit": 64, "phone": 32, "note": 1000}
LOWEST_C, HIGHEST_C = 30.0, 45.0
PERSONAL = tuple(LONGEST)


class FollowUp(Struct, kw_only=True):
    """One fever's; `at` is UTC s, `clinical_c` °C by a clinical thermometer at `clinical_site`."""

    clinical_c: float | None = None
    clinical_site: str = ""
    outcome: str = ""
    person: str = ""
    unit: str = ""
    phone: str = ""
    note: str = ""
    closed: bool = False
    by: str = ""
    at: float = 0.0
    revision: int = 0


def parse(form: Mapping[str, str], *, closed: bool) -> FollowUp:
    """A form's fields. Raises `FollowUpError` naming the field."""
    given = {name: form.get(name, "").strip() for name in ("clinical_c", *LONGEST)}
    clinical_c = None
    if given["clinical_c"]:
        try:
            clinical_c = round(float(given["clinical_c"].replace(",", ".")), 2)
        except ValueError:
            raise FollowUpError("clinical_c", "clinical") from None
        if not LOWEST_C <= clinical_c <= HIGHEST_C:
            raise FollowUpError("clinical_c", "clinical")
    site, outcome = form.get("clinical_site", ""), form.get("outcome", "")
    if site not in SITES:
        raise FollowUpError("clinical_site", "choice")
    if outcome not in OUTCOMES or (closed and not outcome):
        raise FollowUpError("outcome", "choice")
    for name, most in LONGEST.items():
        if len(given[name]) > most:
            raise FollowUpError(name, "long")
    return FollowUp(
        clinical_c=clinical_c,
        clinical_site=site,
        outcome=outcome,
        person=given["person"],
        unit=given["unit"],
        phone=given["phone"],
        note=given["note"],
        closed=closed,
    )


class FollowUps:
    """Over the pages' database."""

    def __init__(self, store: WebStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def get(self, fever: Identity) -> FollowUp | None:
        """What is known of one."""
        rows = self._store.query(f"{_SELECT} where kiosk = ? and boot = ? and seq = ?", fever)
        return _of(rows[0][3:]) if rows else None

    def of(self, fevers: list[Identity]) -> dict[Identity, FollowUp]:
        """What is known of each of some; the others are missing."""
        kiosks = sorted({fever.kiosk for fever in fevers})
        rows = self._store.query(
            f"{_SELECT} where kiosk in ({', '.join('?' * len(kiosks))})", tuple(kiosks)
        )
        known = {Identity(*row[:3]): _of(row[3:]) for row in rows}
        return {fever: known[fever] for fever in fevers if fever in known}

    def save(self, fever: Identity, new: FollowUp, by: str) -> None:
        """Keep it as the newest."""
        values = (getattr(new, name) for name in _NAMES[:-3])
        with self._store.transaction() as connection:
            connection.execute(_SAVE, (*fever, *values, by, self._now()))

    def forget(self, before: float) -> int:
        """Blank the personal fields of what was last touched before then (UTC s); how many."""
        blank = ", ".join(f"{name} = ''" for name in PERSONAL)
        some = " or ".join(f"{name} != ''" for name in PERSONAL)
        with self._store.transaction() as connection:
            done = connection.execute(
                f"update follow_ups set {blank} where at < ? and ({some})",  # noqa: S608 - names
                (before,),
            )
            return done.rowcount


def _of(row: tuple[Any, ...]) -> FollowUp:
    return msgspec.convert(dict(zip(_NAMES, row, strict=True)), FollowUp, strict=False)


_NAMES = FollowUp.__struct_fields__
_SELECT = f"select kiosk, boot, seq, {', '.join(_NAMES)} from follow_ups"  # noqa: S608 - names
_SAVE = f"""
    insert into follow_ups(kiosk, boot, seq, {", ".join(_NAMES)})
    values (?, ?, ?, {", ".join("?" * (len(_NAMES) - 1))}, 1)
    on conflict(kiosk, boot, seq) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _NAMES[:-1])},
    revision = revision + 1"""  # noqa: S608 - field names
