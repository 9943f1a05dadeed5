"""The duty list: people who may acknowledge at a gate. They need no account."""

from msgspec import Struct

from fevergate.errors import AccountError
from fevergate.web_common.accounts import NAME
from fevergate.web_common.store import WebStore


class OnDuty(Struct, frozen=True):
    """A person on duty at one gate; an empty gate means all."""

    name: str
    gate: str


class Duty:
    """The duty list in the web database."""

    def __init__(self, store: WebStore, gates: list[str]) -> None:
        self._store = store
        self._gates = gates

    def everybody(self) -> list[OnDuty]:
        """The whole list, by gate and name."""
        return [
            OnDuty(*row)
            for row in self._store.query("select name, gate from duty order by gate, name")
        ]

    def at(self, gate: str) -> list[str]:
        """Names of the people who may acknowledge at a gate."""
        rows = self._store.query(
            "select distinct name from duty where gate in ('', ?) order by name", (gate,)
        )
        return [name for (name,) in rows]

    def add(self, name: str, gate: str) -> None:
        """Add a person. Raises `AccountError`."""
        if not NAME.fullmatch(name):
            raise AccountError("name")
        if gate and gate not in self._gates:
            raise AccountError("gate")
        with self._store.transaction() as connection:
            connection.execute("insert or ignore into duty(name, gate) values (?, ?)", (name, gate))

    def remove(self, name: str, gate: str) -> None:
        """Remove a person; a person who is not listed is ignored."""
        with self._store.transaction() as connection:
            connection.execute("delete from duty where name = ? and gate = ?", (name, gate))
