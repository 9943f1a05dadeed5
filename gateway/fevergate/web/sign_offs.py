"""Signing off a day's log: by whom, when, and a hash of what was signed, so that a change shows.

Whoever can write the database cannot make a signature: each carries a MAC, by a key that lies
beside the settings, over itself and the one before.

Signed is what stays: counts, coverage, temperatures, times, outcomes. Names and telephones go
after their days (`[retention]`), and are no part of it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import PeriodError
from fevergate.protocol.messages import Identity
from fevergate.reports.fever_log import Day, identity_of
from fevergate.reports.tree_diff import Difference, differences
from fevergate.storage.strikes import Strike
from fevergate.web.follow_ups import FollowUp
from fevergate.web_common.store import WebStore

MOST_DIFFERENCES = 50
MOST_SIGNED = 20_000
"""Fevers of a day that can be signed, each of which a signature holds (half a kilobyte in its
document, some more in memory). No gate sees so many people; what a stolen kiosk made is struck
first, and is then no part of it."""


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

    def __init__(self, store: WebStore, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    def sign(self, day: Day, known: Mapping[Identity, FollowUp], by: str) -> str:
        """Sign a day's log as it is; returns the SHA-256. Raises `PeriodError` for a day that has
        not begun, and for one with more fevers than `MOST_SIGNED`."""
        at = self._now()
        if datetime.fromtimestamp(at, ZoneInfo(day.timezone)).date().isoformat() < day.date:
            raise PeriodError("future")
        if day.count > MOST_SIGNED:
            raise PeriodError("crowd")
        signed = {"by": by, "at": at, "log": content(day, known, self._vault)}
        document = json.dumps(signed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(document.encode()).hexdigest()
        with self._store.transaction() as connection:
            last = connection.execute("select mac from sign_offs order by id desc limit 1")
            before = (last.fetchone() or ("",))[0]
            connection.execute(
                'insert into sign_offs(date, at, "by", sha256, document, mac)'
                " values (?, ?, ?, ?, ?, ?)",
                (day.date, at, by, digest, document, self._vault.mac(f"{before}\n{document}")),
            )
        return digest

    def has(self, date: str) -> bool:
        """Whether anybody has signed a day."""
        return bool(self._store.query("select 1 from sign_offs where date = ? limit 1", (date,)))

    def of(self, day: Day, known: Mapping[Identity, FollowUp]) -> list[SignOff]:
        """A day's, the newest first, held against the log as it is, with all its fevers. Where
        those are more than can be signed only their number is compared."""
        rows = self._store.query(
            'select s."by", s.at, s.sha256, s.document, s.mac, coalesce((select b.mac'
            " from sign_offs b where b.id < s.id order by b.id desc limit 1), '')"
            " from sign_offs s where s.date = ? order by s.id desc",
            (day.date,),
        )
        if not rows:
            return []
        whole = day.count <= MOST_SIGNED
        now = content(day, known, self._vault) if whole else {"fevers": day.count}
        return [self._held(row, now, whole) for row in rows]

    def _held(self, row: tuple[Any, ...], now: dict[str, Any], whole: bool) -> SignOff:
        by, at, digest, document, mac, mac_before = row
        genuine = hashlib.sha256(document.encode()).hexdigest() == digest
        genuine &= self._vault.mac(f"{mac_before}\n{document}") == mac
        signed = json.loads(document)
        genuine = genuine and (signed["by"], signed["at"]) == (by, at)
        before = signed["log"] if whole else {"fevers": len(signed["log"]["fevers"])}
        found = [
            one
            for one in differences({"struck": {}} | before, {"struck": {}} | now)
            if not (one.what.endswith("acknowledged_by") and one.now == "")
            # What an older version of ours did not count yet.
            and not (one.before == "-" and one.now in ("0", "False"))
        ]
        return SignOff(
            by=by, at=at, sha256=digest, genuine=genuine, differences=found[:MOST_DIFFERENCES]
        )


def content(day: Day, known: Mapping[Identity, FollowUp], vault: Vault) -> dict[str, Any]:
    """What is signed of a day, in terms of JSON."""
    fevers = {}
    for fever in day.fevers:
        one = msgspec.to_builtins(fever)
        # A name goes after its days; until then it must be the one that was signed.
        name = one.pop("acknowledged_by")
        one["acknowledged_by"] = vault.mac(name)[:16] if name else ""
        follow_up = known.get(identity_of(fever))
        if follow_up:
            for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                one[name] = getattr(follow_up, name)
        fevers["/".join(map(str, identity_of(fever)))] = one
    signed = {
        "date": day.date,
        "campus": day.campus,
        "covered": day.covered,
        "zero": day.zero,
        "fevers": fevers,
        "kiosks": {one.kiosk: msgspec.to_builtins(one) for one in day.kiosks},
    }
    if day.strikes:
        signed["struck"] = {f"{one.kiosk}/{one.id}": _struck(one) for one in day.strikes}
    return signed


def _struck(strike: Strike) -> dict[str, Any]:
    one = msgspec.to_builtins(strike)
    return {name: one[name] for name in one if name not in ("id", "kiosk")}
