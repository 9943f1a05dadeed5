"""Summaries and fevers to the campus server, through an outbox, until it says that it has them.

What changed is written into the outbox by the store's own thread, in the transaction that
marks it as taken; sending happens here and may fail as long as it likes.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
from sqlite_utils import Database

from fevergate.errors import SettingsError
from fevergate.settings import CampusServer, GatewaySettings, read_secret
from fevergate.store import Store
from fevergate.summaries import DaySummary, FeverEvent, HourSummary, Receipt, Summary

log = logging.getLogger(__name__)

STEP = 200
"""Rows taken into the outbox in one transaction: the store's thread is not held up."""

MOST_HOURS = 20_000
"""Hours that wait for the campus server: ten kiosks' 83 days. Older ones are then told by their
day's summary alone, which always waits, as every fever does."""

BATCH = 100
TIMEOUT_S = 15.0
BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 300.0
REFUSED_S = 3600.0

Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]


class Forwarder:
    """Runs in its own thread between `start` and `stop`.

    `submit` runs something with the store in the store's own thread.
    """

    def __init__(self, settings: GatewaySettings, submit: Submit) -> None:
        server = settings.campus_server
        if server is None:
            raise SettingsError("campus_server: missing, expected url and token_file")
        self._settings = settings
        self._server = server
        self._submit = submit
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forward")
        self._client = httpx.Client(
            verify=campus_context(settings, server),
            timeout=TIMEOUT_S,
            headers={
                "Authorization": f"Bearer {read_secret(settings.path(server.token_file))}",
                "Content-Type": "application/json",
            },
        )

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not sent waits in the outbox."""
        self._stopping.set()
        self._thread.join()
        self._client.close()

    def once(self) -> bool:
        """Take what changed, send what is due; whether nothing due is left.

        Raises whatever the store raises; a campus server that fails is not an error.
        """
        while self._submit(self._materialise).result():
            pass
        while True:
            due = self._submit(_due).result()
            if not due:
                return True
            if not self._send(due):
                return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = self._server.every_s
            try:
                if self.once():
                    self._failures = 0
                else:
                    self._failures += 1
                    ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(self._failures, 9))
                    wait_s = max(wait_s, ceiling * random.uniform(0.5, 1))  # noqa: S311
            except Exception:
                log.exception("forwarding")
            self._stopping.wait(wait_s)

    def _materialise(self, store: Store) -> bool:
        """Take one step of what changed into the outbox; whether there may be more."""
        zone = self._settings.zone
        with store.transaction():
            hours = list(
                store.db.query(
                    "select * from hours where revision > forwarded order by hour limit ?", (STEP,)
                )
            )
            fevers = list(store.db.query(_FEVERS, (STEP,)))
            items: list[Summary] = [_hour(row) for row in hours]
            days = sorted({(row["kiosk"], _day(row["hour"], zone)) for row in hours})
            items += [day_summary(store.db, kiosk, day) for kiosk, day in days]
            items += [_fever(row) for row in fevers]
            connection = store.db.conn
            connection.executemany(
                "insert into outbox(key, revision, payload, created_at) values (?, ?, ?, ?)"
                " on conflict(key) do update set revision = excluded.revision,"
                " payload = excluded.payload, next_at = 0",
                [
                    (item.key, item.revision, msgspec.json.encode(item).decode(), time.time())
                    for item in items
                ],
            )
            (waiting,) = connection.execute("select count(*) from outbox").fetchone()
            if waiting > MOST_HOURS:
                connection.execute(_MERGE, (MOST_HOURS,))
            connection.executemany(
                "update hours set forwarded = ? where kiosk = ? and hour = ?",
                [(row["revision"], row["kiosk"], row["hour"]) for row in hours],
            )
            connection.executemany(
                "update fevers set forwarded = ? where kiosk = ? and boot = ? and seq = ?",
                [(row["revision"], row["kiosk"], row["boot"], row["seq"]) for row in fevers],
            )
        return len(hours) == STEP or len(fevers) == STEP

    def _send(self, due: list[tuple[str, int, str]]) -> bool:
        """Send some; whether the campus server took the delivery."""
        # The items as they lie in the outbox: one that does not validate any more is the
        # server's to refuse, not ours to stumble over.
        delivery = {
            "v": 1,
            "campus": self._settings.campus,
            "gateway": self._settings.gateway,
            "items": [msgspec.Raw(payload.encode()) for _, _, payload in due],
        }
        try:
            answer = self._client.post(
                f"{self._server.url.rstrip('/')}/v1/summaries",
                content=msgspec.json.encode(delivery),
            )
        except httpx.HTTPError as error:
            log.warning("campus server: %s", error)
            return False
        if answer.status_code in (400, 413, 422):
            if len(due) > 1:
                # One of them is not taken: find it, so that it does not hold up the others.
                half = len(due) // 2
                return self._send(due[:half]) and self._send(due[half:])
            log.error("campus server refuses %s: %s", due[0][0], answer.text[:200])
            self._submit(lambda store: _postpone(store, due, REFUSED_S)).result()
            return True
        if answer.status_code != 200:
            log.warning("campus server: %d %s", answer.status_code, answer.text[:200])
            return False
        try:
            held = set(msgspec.json.decode(answer.content, type=Receipt).held)
        except msgspec.MsgspecError as error:
            log.warning("campus server: answer not understood: %s", error)
            return False
        taken = [(key, revision) for key, revision, _ in due if key in held]
        self._submit(lambda store: _forget(store, taken)).result()
        return len(taken) == len(due)


def campus_context(settings: GatewaySettings, server: CampusServer) -> ssl.SSLContext:
    """Verifies the campus server by the settings' authority, or the system's."""
    ca = str(settings.path(server.ca)) if server.ca else None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{ca}: expected a PEM certificate of the authority: {error}"
        ) from error


_MERGE = """
    delete from outbox where key in (
        select key from outbox where key >= 'hour/' and key < 'hour0'
        order by payload ->> '$.hour' desc limit -1 offset ?)"""

_FEVERS = """
    select f.*, coalesce(r.at, r.received_at) as at, r.body_c, r.skin_c, r.threshold_c
    from fevers f join readings r using (kiosk, boot, seq)
    where f.revision > f.forwarded limit ?"""


def _hour(row: dict[str, Any]) -> HourSummary:
    names = ("kiosk", "gate", "hour", "revision", "normal", "fever", "retry", "watched", "fault")
    return HourSummary(**{name: row[name] for name in names})


def _fever(row: dict[str, Any]) -> FeverEvent:
    names = ("kiosk", "gate", "boot", "seq", "revision", "at", "body_c", "skin_c", "threshold_c")
    return FeverEvent(
        **{name: row[name] for name in names},
        raised_at=row["raised_at"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"] or "",
    )


def _day(hour: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(hour, zone).date().isoformat()


def day_summary(database: Database, kiosk: str, day: str) -> DaySummary:
    """A kiosk's `day` (YYYY-MM-DD); its revision is the sum of its hours', which only grows."""
    (row,) = database.query("select * from days where kiosk = ? and date = ?", (kiosk, day))
    names = (name for name in DaySummary.__struct_fields__ if name in row)
    return DaySummary(**{name: row[name] for name in names})


def _due(store: Store) -> list[tuple[str, int, str]]:
    """What is to be sent now, fevers first."""
    return [
        (key, revision, payload)
        for key, revision, payload in store.db.execute(
            "select key, revision, payload from outbox where next_at <= ?"
            " order by key not like 'fever/%', created_at limit ?",
            (time.time(), BATCH),
        )
    ]


def _forget(store: Store, taken: list[tuple[str, int]]) -> None:
    with store.transaction():
        store.db.conn.executemany("delete from outbox where key = ? and revision = ?", taken)


def _postpone(store: Store, due: list[tuple[str, int, str]], wait_s: float) -> None:
    with store.transaction():
        store.db.conn.executemany(
            "update outbox set attempts = attempts + 1, next_at = ? where key = ?",
            [(time.time() + wait_s, key) for key, _, _ in due],
        )
