"""Signatures of daily logs: person, time, and a hash of the content, so that changes show.

Write access to the database is not enough to forge a signature: each carries a MAC over itself and
the signature before it, by a key that is kept beside the settings.

A signature covers counts, coverage, temperatures, times, outcomes, and how many people were
expected and measured. It covers neither names nor telephone numbers, because these are deleted
after `[retention] persons_days`.
"""

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
from fevergate.reports.fever_log import MAX_FEVERS, Day
from fevergate.reports.fevers import identity_of
from fevergate.reports.tree_diff import Difference, differences
from fevergate.storage.strikes import Strike
from fevergate.web.follow_ups import FollowUp
from fevergate.web_common.store import WebStore

MAX_DIFFERENCES = 50
MAX_SIGNED_FEVERS = MAX_FEVERS
"""Most fevers of a day that can be signed: the signature's document has half a kilobyte for each,
and takes more in memory. Struck fevers do not count: those that a stolen kiosk invented are struck
before signing."""


class SignOff(Struct, frozen=True, kw_only=True):
    """A signature; `genuine`: whether its record is unchanged; `differences`: between the log as it
    was signed and as it is now."""

    by: str
    at: float
    sha256: str
    genuine: bool
    differences: list[Difference]


class SignOffs:
    """The signatures in the web database; none is ever changed or deleted."""

    def __init__(self, store: WebStore, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    def sign(self, day: Day, follow_ups: Mapping[Identity, FollowUp], by: str) -> str:
        """Sign a day's log as it is; returns the SHA-256. Raises `PeriodError` for a day that has
        not begun, and for one with more fevers than `MAX_SIGNED_FEVERS`."""
        at = self._now()
        if datetime.fromtimestamp(at, ZoneInfo(day.timezone)).date().isoformat() < day.date:
            raise PeriodError("future")
        if day.count > MAX_SIGNED_FEVERS:
            raise PeriodError("crowd")
        signed = {"by": by, "at": at, "log": content(day, follow_ups, self._vault)}
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

    def dates(self) -> set[str]:
        """The days that are signed."""
        return {date for (date,) in self._store.query("select distinct date from sign_offs")}

    def has(self, date: str) -> bool:
        """Whether a day is signed."""
        return bool(self._store.query("select 1 from sign_offs where date = ? limit 1", (date,)))

    def of(self, day: Day, follow_ups: Mapping[Identity, FollowUp]) -> list[SignOff]:
        """A day's signatures, the newest first, compared with its complete log; if it has more
        fevers than can be signed, only their number is compared."""
        ids = self._store.query(
            "select id from sign_offs where date = ? order by id desc", (day.date,)
        )
        if not ids:
            return []
        complete = day.count <= MAX_SIGNED_FEVERS
        now = content(day, follow_ups, self._vault) if complete else {"fevers": day.count}
        # One by one: a document may take megabytes.
        return [
            self._held(self._store.query(_SIGN_OFF, number)[0], now, complete) for number in ids
        ]

    def _held(self, row: tuple[Any, ...], now: dict[str, Any], complete: bool) -> SignOff:
        by, at, digest, document, mac, mac_before = row
        genuine = hashlib.sha256(document.encode()).hexdigest() == digest
        genuine &= self._vault.mac(f"{mac_before}\n{document}") == mac
        signed = json.loads(document)
        genuine = genuine and (signed["by"], signed["at"]) == (by, at)
        before = signed["log"] if complete else {"fevers": len(signed["log"]["fevers"])}
        changes = [
            difference
            for difference in differences({"struck": {}} | before, {"struck": {}} | now)
            if not (difference.what.endswith("acknowledged_by") and difference.now == "")
            # Fields that an older version did not have.
            and not (difference.before == "-" and difference.now in ("0", "False"))
        ]
        return SignOff(
            by=by, at=at, sha256=digest, genuine=genuine, differences=changes[:MAX_DIFFERENCES]
        )


_SIGN_OFF = """
    select s."by", s.at, s.sha256, s.document, s.mac, coalesce((
        select b.mac from sign_offs b where b.id < s.id order by b.id desc limit 1), '')
    from sign_offs s where s.id = ?"""


def content(day: Day, follow_ups: Mapping[Identity, FollowUp], vault: Vault) -> dict[str, Any]:
    """The signed content of a day, as JSON values."""
    fevers = {}
    for fever in day.fevers:
        fields = msgspec.to_builtins(fever)
        # A MAC in place of the name: the name is deleted later, and must not change until then.
        name = fields.pop("acknowledged_by")
        fields["acknowledged_by"] = vault.mac(name)[:16] if name else ""
        follow_up = follow_ups.get(identity_of(fever))
        if follow_up:
            for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                fields[name] = getattr(follow_up, name)
        fevers[str(identity_of(fever))] = fields
    signed = {
        "date": day.date,
        "campus": day.campus,
        "covered": day.covered,
        "zero": day.zero,
        "fevers": fevers,
        "kiosks": {kiosk.kiosk: msgspec.to_builtins(kiosk) for kiosk in day.kiosks},
    }
    if day.roll:
        signed["roll"] = msgspec.to_builtins(day.roll)
    if day.strikes:
        signed["struck"] = {
            f"{strike.kiosk}/{strike.id}": _struck(strike) for strike in day.strikes
        }
    return signed


def _struck(strike: Strike) -> dict[str, Any]:
    fields = msgspec.to_builtins(strike)
    return {name: fields[name] for name in fields if name not in ("id", "kiosk")}
