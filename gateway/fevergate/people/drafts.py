"""Keeps an uploaded list of people, encrypted, for an hour. In this time a person can look at the
changes that it would make, and apply it; before that, nothing changes."""

import secrets

import msgspec
from msgspec import Struct

from fevergate.errors import PeopleError
from fevergate.people.changes import DRAFT_S
from fevergate.people.list_file import ListFile
from fevergate.people.store import PeopleStore
from fevergate.storage.statements import Connection

MOST_DRAFTS = 10
"""Most drafts at a time; a further one replaces the oldest."""


class ListDraft(Struct, frozen=True, kw_only=True):
    """An uploaded list: `file` is the file's name, `by` the person who uploaded it."""

    id: str
    file: str
    by: str
    listed: ListFile


class ListDrafts:
    """The drafts, in the database of the program that keeps the list: the campus server or, if
    there is none, the gateway."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store
        self._statements = store.statements

    def keep(self, file: str, listed: ListFile, by: str) -> str:
        """Store a draft; returns its id. Raises `StoreError`."""
        now = self._statements.clock()
        sealed = self._store.vault.seal(
            {"file": file[:200], "listed": msgspec.json.encode(listed).decode()}
        )
        id_ = secrets.token_hex(8)
        with self._statements.transaction() as connection:
            _forget(connection, now)
            connection.execute(
                'insert into drafts(id, "by", at, sealed) values (?, ?, ?, ?)',
                (id_, by, now, sealed),
            )
        return id_

    def get(self, id_: str) -> ListDraft:
        """A draft. Raises `PeopleError` if it was dropped or is too old, and `StoreError`."""
        rows = self._statements.query(
            'select "by", sealed from drafts where id = ? and at > ?',
            (id_, self._statements.clock() - DRAFT_S),
        )
        if not rows:
            raise PeopleError("old_draft")
        by, sealed = rows[0]
        opened = self._store.vault.open(sealed)
        listed = msgspec.json.decode(opened["listed"], type=ListFile)
        return ListDraft(id=id_, file=opened["file"], by=by, listed=listed)

    def drop(self, id_: str) -> None:
        """Delete a draft."""
        with self._statements.transaction() as connection:
            connection.execute("delete from drafts where id = ?", (id_,))


def _forget(connection: Connection, now: float) -> None:
    connection.execute("delete from drafts where at <= ? or at > ?", (now - DRAFT_S, now))
    connection.execute(
        "delete from drafts where id not in (select id from drafts order by at desc limit ?)",
        (MOST_DRAFTS - 1,),
    )
