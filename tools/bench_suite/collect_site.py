"""A site with a shared subscription, a PostgreSQL server, and collectors."""

import os
from pathlib import Path

import psycopg

from fevergate.settings.collector import load_collect
from harness.postgres import LocalPostgres
from harness.site import LoadSite
from harness.worker import Worker

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class CollectSite(LoadSite):
    """A site for a `with` statement; `database_url` creates an empty database."""

    def __init__(self, kiosks: int, folder: Path | None = None, queued: int = 0) -> None:
        super().__init__(kiosks, folder, queued, collect=True)
        self.collect_toml = self.folder / "collect.toml"
        self.postgres = LocalPostgres()

    def begin(self) -> None:
        """Start PostgreSQL with an empty database."""
        self.stack.enter_context(self.postgres)
        self.stack.callback(self.postgres.stop, "immediate")  # its data is not needed any more
        self.database_url()

    def database_url(self) -> str:
        """Create an empty database and enter it in collect.toml; returns its URL."""
        url = self.postgres.database().replace("+psycopg", "")
        lines = self.collect_toml.read_text().splitlines()
        lines = [f'url = "{url}"' if line.startswith("url =") else line for line in lines]
        self.collect_toml.write_text("\n".join(lines) + "\n")
        self.collect_settings = load_collect(self.collect_toml)
        return url

    def collector(self, name: str, *options: str) -> Worker:
        """Start `fevergate collect` as its service does."""
        return self.start(
            "fevergate.cli",
            "collect",
            "--settings",
            str(self.collect_toml),
            "--name",
            name,
            *options,
        )

    def counted(self, name: str) -> Worker:
        """Start a collector that prints its progress; see `collect_host`."""
        return self.start("bench_suite.collect_host", str(self.collect_toml), name)

    def read(self) -> psycopg.Connection:
        """A connection to the collectors' database."""
        return psycopg.connect(self.collect_settings.database.url, autocommit=True)

    def postgres_cpu_s(self) -> float:
        """CPU seconds of PostgreSQL, including backends that have ended."""
        pid = int((self.postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                head, _, numbers = path.read_text().rpartition(")")
            except OSError:
                continue  # it has ended meanwhile
            fields = numbers.split()
            if int(head.split()[0]) == pid:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == pid:
                total += sum(map(int, fields[11:13]))
        return total / TICKS_A_SECOND
