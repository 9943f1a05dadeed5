"""Shared by the tests of the collectors: a collector that is given messages directly, and queries
of its database."""

from pathlib import Path
from typing import Any

import psycopg
from samples import reading

from fevergate.collect.intake import Intake
from fevergate.collect.store import CollectStore
from fevergate.protocol.messages import encode
from fevergate.settings.collector import CollectDatabase, CollectSettings, PartitionSettings


def settings_for(url: str, **fields: Any) -> CollectSettings:
    """Settings for the database at `url`, which `LocalPostgres.database` made."""
    settings = CollectSettings(
        database=CollectDatabase(url=url.replace("+psycopg", "")),
        partitions=PartitionSettings(keep_days=fields.pop("keep_days", None)),
        **fields,
    )
    settings.folder = Path("/nonexistent")
    return settings


class Desk:
    """A collector without a connection to a broker. `say` gives it a reading, `commit` stores what
    it was given."""

    def __init__(self, settings: CollectSettings, name: str = "1") -> None:
        self.store = CollectStore(settings, name)
        self.items: list[Any] = []
        self.done = 0
        self.intake = Intake(self.store.calendar, lambda item, _done: self.items.append(item))

    def _acknowledged(self) -> None:
        self.done += 1

    def raw(self, topic: str, payload: bytes) -> None:
        self.intake.message(topic, payload, self._acknowledged)

    def say(self, campus: str = "east", **fields: Any) -> None:
        message = reading(**fields)
        self.raw(f"fevergate/v1/{campus}/{message.kiosk}/reading", encode(message))

    def commit(self) -> None:
        self.store.commit(self.items)
        self.items.clear()


class Books:
    """Reads a collector's database."""

    def __init__(self, settings: CollectSettings) -> None:
        self.connection = psycopg.connect(settings.database.url, autocommit=True)

    def rows(self, query: str) -> list[Any]:
        return self.connection.execute(query.encode()).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def readings(self) -> dict[Any, Any]:
        """Day and time (UTC s) of each reading, by its identity; fails if one is there twice."""
        rows = self.rows(
            "select campus, kiosk, boot, seq, day::text, extract(epoch from at)::float8"
            " from readings"
        )
        assert len({row[:4] for row in rows}) == len(rows), "a reading is there twice"
        return {row[:4]: row[4:] for row in rows}

    def agrees(self) -> bool:
        """Whether the tables of keys and of readings agree."""
        return not self.rows(
            "select * from readings r full join reading_keys k"
            " using (campus, kiosk, boot, seq, day)"
            " where r.seq is null or k.seq is null or (k.undated and r.at is not null)"
        )
