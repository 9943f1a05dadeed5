"""A PostgreSQL primary and its standby for one campus server, with switch-over."""

from __future__ import annotations

import os
import shutil
from typing import Any, Self

import psycopg
from sqlalchemy import make_url

from harness.postgres import USER, LocalPostgres
from harness.worker import wait_until


class Server(LocalPostgres):
    """One server of the pair."""

    def follow(self, first: Server) -> None:
        """Become the standby of another server, from a copy of it."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, *self._owner())
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        line = ("-h", "127.0.0.1", "-p", str(first.port), "-U", USER)
        self._run("pg_basebackup", *line, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.start()

    def promote(self) -> None:
        """Become the primary."""
        self._run("pg_ctl", "-w", "promote")

    def ask(self, question: str, database: str = "postgres") -> Any:
        """First column of a query's first row."""
        with self._line(database) as line:
            row = line.execute(question.encode()).fetchone()
        assert row  # noqa: S101 - every question here has an answer
        return row[0]

    def say(self, statement: str) -> None:
        """Execute a statement without a result."""
        with self._line("postgres") as line:
            line.execute(statement.encode())

    def _line(self, database: str) -> psycopg.Connection:
        url = f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"
        return psycopg.connect(url, autocommit=True)


class PostgresPair:
    """A primary and its standby, in a `with` statement; `url` names both and finds the primary."""

    def __init__(self) -> None:
        self._first, self._second = Server(), Server()
        self._fenced = False
        self._name = ""
        self.url = ""

    def __enter__(self) -> Self:
        self._first.__enter__()
        try:
            self._name = make_url(self._first.database()).database or ""
            self._second.follow(self._first)
        except BaseException:
            self.__exit__()
            raise
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in (self._first, self._second))
        # libpq connects to the server that takes writes (PostgreSQL, 34.1.1.3 and 34.1.2).
        self.url = (
            f"postgresql+psycopg://{USER}@/{self._name}?{hosts}&target_session_attrs=read-write"
        )
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._second, self._first):
            if (server.folder / "data" / "postmaster.pid").exists():
                server.stop("immediate")
            server.__exit__()

    def ask(self, question: str) -> Any:
        """First column of a query's first row, from the present primary."""
        return self._first.ask(question, self._name)

    def switch_over(self, patience_s: float) -> None:
        """Make the standby the primary. The old one stays up, and refuses writes on its open
        connections (SQLSTATE 25006). Raises `HarnessError`."""
        old, new = self._first, self._second
        if self._fenced:  # a former primary must be copied anew
            new.stop("immediate")
            new.follow(old)
        old.say("alter system set default_transaction_read_only = on")
        old.ask("select pg_reload_conf()")

        def level() -> bool:
            at = old.ask("select pg_current_wal_lsn()")
            return not old.ask(_WRITING) and new.ask(_HAS.format(at))

        wait_until(level, patience_s, "PostgreSQL's standby has all that the primary has")
        new.promote()
        self._first, self._second, self._fenced = new, old, True


_WRITING = "select count(*) from pg_stat_activity where backend_xid is not null"
_HAS = "select pg_last_wal_replay_lsn() >= '{}'"
