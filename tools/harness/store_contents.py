"""Reads the databases of a gateway and a campus server after a run, to compare them with the
readings published and the lamps lit."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fevergate.protocol.messages import Identity
from fevergate.storage.connection import open_reader

_COUNT = "select coalesce(sum(normal + fever + retry), 0) from {} where kiosk != ?"


@dataclass
class StoreContents:
    """Contents of a database: the readings; for each fever its gate and when its alarm was raised
    (Unix s); and how many readings the tables `hours` and `days` count."""

    readings: set[Identity]
    fevers: dict[Identity, tuple[str, float]]
    hours: int
    days: int

    @property
    def miscounted(self) -> int:
        """The larger of both tables' differences from the number of readings."""
        return max(abs(counted - len(self.readings)) for counted in (self.hours, self.days))


def read_contents(path: Path, without: str = "") -> StoreContents:
    """Read a database, except the rows of the kiosk `without`. Raises `StoreError`."""
    with open_reader(path) as database:
        readings = database.execute(
            "select kiosk, boot, seq from readings where kiosk != ?", (without,)
        )
        fevers = database.execute(
            "select kiosk, boot, seq, gate, raised_at from fevers where kiosk != ?", (without,)
        )
        return StoreContents(
            {Identity(*row) for row in readings},
            {Identity(*row[:3]): row[3:] for row in fevers},
            *(
                database.execute(_COUNT.format(table), (without,)).fetchone()[0]
                for table in ("hours", "days")
            ),
        )


@dataclass(frozen=True)
class Received:
    """Numbers of readings, summed over the stored hours, and of fevers at a campus server."""

    readings: int
    fevers: int


def received(path: Path) -> Received:
    """Count readings and fevers of a campus server on SQLite; the server may be running."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        ((readings,),) = connection.execute(
            "select coalesce(sum(payload ->> 'normal' + payload ->> 'fever'"
            " + payload ->> 'retry'), 0) from items where kind = 'hour'"
        )
        ((fevers,),) = connection.execute("select count(*) from items where kind = 'fever'")
    return Received(int(readings), fevers)
