"""Signing off a day's log: by whom, when, and a hash of what was signed, so that a change shows.

Signed is what stays: counts, coverage, temperatures, times, outcomes. Names and telephones go
after their days (`[retention]`), and are no part of it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.fever_log import Day, identity_of
from fevergate.protocol import Identity
from fevergate.web.follow_ups import FollowUp
from fevergate.web.store import WebStore

MOST_DIFFERENCES = 50


class Difference(Struct, frozen=True):
    """One thing that is not as it was signed; either side may be missing."""

    what: str
    signed: str
    now: str


class SignOff(Struct, frozen=True, kw_only=True):
    """One signature. `genuine`: the record of it is what was hashed; `differences`: between the
    log as signed and as it is."""

    by: str
    at: float
    sha256: str
    genuine: bool
    differences: list[Difference]


class SignOffs:
    """Over the pages' database. A signature is never changed or taken away."""

    def __init__(self, store: WebStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def sign(self, day: Day, known: Mapping[Identity, FollowUp], by: str) -> str:
        """Sign a day's log as it is; returns the SHA-256."""
        at = self._now()
        signed = {"by": by, "at": at, "log": content(day, known)}
        document = json.dumps(signed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(document.encode()).hexdigest()
        with self._store.transaction() as connection:
            connection.execute(
                "insert into sign_offs(date, at, by, sha256, document) values (?, ?, ?, ?, ?)",
                (day.date, at, by, digest, document),
            )
        return digest

    def of(self, day: Day, known: Mapping[Identity, FollowUp]) -> list[SignOff]:
        """A day's, the newest first, held against the log as it is."""
        rows = self._store.query(
            "select by, at, sha256, document from sign_offs where date = ? order by id desc",
            (day.date,),
        )
        if not rows:
            return []
        now = content(day, known)
        return [self._held(row, now) for row in rows]

    @staticmethod
    def _held(row: tuple[Any, ...], now: dict[str, Any]) -> SignOff:
        by, at, digest, document = row
        genuine = hashlib.sha256(document.encode()).hexdigest() == digest
        signed = json.loads(document)
        genuine = genuine and (signed["by"], signed["at"]) == (by, at)
        found = list(_differences("", signed["log"], now))
        return SignOff(
            by=by, at=at, sha256=digest, genuine=genuine, differences=found[:MOST_DIFFERENCES]
        )


def content(day: Day, known: Mapping[Identity, FollowUp]) -> dict[str, Any]:
    """What is signed of a day, in terms of JSON."""
    fevers = {}
    for fever in day.fevers:
        one = msgspec.to_builtins(fever)
        del one["acknowledged_by"]
        follow_up = known.get(identity_of(fever))
        if follow_up:
            for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                one[name] = getattr(follow_up, name)
        fevers["/".join(map(str, identity_of(fever)))] = one
    return {
        "date": day.date,
        "campus": day.campus,
        "covered": day.covered,
        "zero": day.zero,
        "fevers": fevers,
        "kiosks": {one.kiosk: msgspec.to_builtins(one) for one in day.kiosks},
    }


def _differences(path: str, signed: Any, now: Any) -> Iterator[Difference]:
    if isinstance(signed, dict) and isinstance(now, dict):
        for key in sorted({*signed, *now}):
            yield from _differences(f"{path} {key}".strip(), signed.get(key), now.get(key))
    elif signed != now:
        yield Difference(path, _short(signed), _short(now))


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return "✓" if isinstance(value, dict) else str(value)
