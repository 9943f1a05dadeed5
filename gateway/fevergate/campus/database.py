"""The campus server's database: SQLite in a file or PostgreSQL by URL, behind one interface.

Several servers may use one PostgreSQL.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    Connection,
    Executable,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fevergate.campus.schema import metadata
from fevergate.errors import CampusError, SettingsError

BUSY_S = 30
POOL = 10
READ_ONLY = "25006"
"""SQLSTATE read_only_sql_transaction (PostgreSQL manual, appendix A)."""
APPLICATION = "fevergate-campus"
"""`application_name` (libpq) of our connections to PostgreSQL."""
MIGRATING = 4_205_171
"""Key of the advisory lock that lets only one server at a time migrate PostgreSQL's schema."""


class CampusDatabase:
    """One database, whose schema is migrated when it is opened; a `with` block closes it.

    Raises `SettingsError` for an invalid URL, `CampusError` if the database cannot be reached or
    migrated."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.name = url.render_as_string(hide_password=True)
        self.sqlite = url.get_backend_name() == "sqlite"
        options = {"timeout": BUSY_S} if self.sqlite else {"application_name": APPLICATION}
        try:
            self._engine = create_engine(
                url, pool_size=POOL, pool_pre_ping=True, connect_args=options
            )
        except (SQLAlchemyError, ImportError) as error:
            raise SettingsError(f"database: {self.name}: {error}") from error
        if self.sqlite:
            event.listen(self._engine, "connect", _open)
            event.listen(self._engine, "begin", _begin)
        else:
            event.listen(self._engine, "handle_error", _switched_over)
        self._migrate()

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, statement: Executable) -> Sequence[Any]:
        """All rows of a query, in a transaction of its own. Raises `CampusError`."""
        with self.read() as connection:
            return connection.execute(statement).all()

    def scalars(self, statement: Executable) -> list[Any]:
        """The first column of all rows of a query. Raises `CampusError`."""
        return [row[0] for row in self.rows(statement)]

    def compact(self) -> None:
        """Rewrite the database without free pages, and truncate SQLite's log, so that no deleted
        data remains. Raises `CampusError`."""
        try:
            if self.sqlite:
                self._engine.dispose()
                with closing(sqlite3.connect(str(self.url.database), timeout=BUSY_S)) as connection:
                    connection.execute("vacuum")
                    connection.execute("pragma wal_checkpoint(truncate)")
            else:
                at_once = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                with at_once as connection:
                    connection.exec_driver_sql("vacuum full")
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise CampusError(f"{self.name}: {str(error).splitlines()[0]}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one consistent state. Raises `CampusError`."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed durably or not at all. Raises `CampusError`."""
        with self._transaction(write=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(write=write) as connection:
                if not write and not self.sqlite:
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            raise CampusError(f"{self.name}: {str(error).splitlines()[0]}") from error

    def _migrate(self) -> None:
        """Create the tables in an empty database, or migrate an earlier release's tables to this
        release (Alembic cookbook, "Building an Up to Date Database from Scratch")."""
        config = Config()
        config.set_main_option("script_location", "fevergate.campus:migrations")
        with self.write() as connection:
            if not self.sqlite:
                connection.exec_driver_sql(f"select pg_advisory_xact_lock({MIGRATING})")
            config.attributes["connection"] = connection
            if not inspect(connection).has_table("alembic_version"):
                metadata.create_all(connection)
                command.stamp(config, "head")
                return
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise CampusError(
                    f"{self.name}: its tables are of another version of FeverGate: {error}"
                ) from error


def insert(table: Table, connection: Connection) -> Any:
    """Return an insert statement in the connection's dialect; it has `on_conflict_do_update` and
    `on_conflict_do_nothing`."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def put(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Store `values` in the row with the primary key `key`; add the row if it does not exist."""
    new = insert(table, connection).values(key | values)
    connection.execute(new.on_conflict_do_update(index_elements=[*key], set_=values))


def database_url(text: str, folder: Path) -> URL:
    """Return the URL of the database that `text` names: a URL, or a file in `folder`. Raises
    `SettingsError`."""
    if "://" not in text:
        return URL.create("sqlite", database=str(folder / text))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise SettingsError(f"database: expected a file or postgresql://...: {error}") from error
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise SettingsError(f"database: {url.drivername}: expected postgresql or a file's name")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def _switched_over(context: ExceptionContext) -> None:
    """Treat a refused write as a lost connection: the PostgreSQL server has become a standby, and a
    new connection can reach the primary."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _open(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_begin` begins transactions
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
        # Full: once we confirm that a summary is stored, its gateway does not send it again.
        connection.execute(f"pragma {pragma}")


def _begin(connection: Connection) -> None:
    # Take the write lock first: a later upgrade of a read lock could fail.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("begin immediate" if write else "begin")
