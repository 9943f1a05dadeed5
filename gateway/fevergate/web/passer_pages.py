"""Names of those who tapped a card at a gate, for the guard at its board; the audit notes each
look."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fevergate.errors import NothingFoundError
from fevergate.people.card_list import entry_of
from fevergate.people.passes import REGISTER as VISITORS
from fevergate.reports.fevers import identity_of
from fevergate.storage.presences import person_of
from fevergate.texts.translations import N_, translator
from fevergate.web import follow_ups
from fevergate.web.context import Shared
from fevergate.web.follow_ups import MAX_LENGTHS, Followed, FollowUp
from fevergate.web.passers import Passer
from fevergate.web_common.list_words import PERMIT_NAMES
from fevergate.web_common.routes import get


class NamedPasser(Struct, frozen=True, kw_only=True):
    """A passer in words, as a board shows them; `stopped`: they may not enter without the guard."""

    name: str
    unit: str
    permit: str
    kiosk: str
    stopped: bool
    fever: bool


class PasserPages:
    """/board/GATE/who."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [get("/board/{gate:str}/who", self.who)]

    def who(self, request: Request) -> Response:
        """Show who tapped at a gate, or at a door that it watches, within the last minute, and
        whose fever raised the alarm there."""
        shared, gate = self._shared, self._shared.gate_of(request)
        passers = shared.passers.on_board(gate, lambda kiosk: shared.live.now(kiosk).alarm)
        language = shared.language(request)
        people = named(shared, passers, language, gate)
        if people:
            shared.note(request, "look at passers", gate)
        return JSONResponse({"people": msgspec.to_builtins(people)})


class KnownPerson(Struct, frozen=True, kw_only=True):
    """A person known by a card or a visitor's pass; fields are empty if they were erased."""

    name: str = ""
    unit: str = ""
    phone: str = ""


def known_people(shared: Shared, numbers: Iterable[int]) -> dict[int, KnownPerson]:
    """People of the list, and visitors by the negative ids of their entries, with their names.
    Raises `StoreError`."""
    persons = set(numbers)
    people = {
        number: KnownPerson(name=row.name, unit=row.unit, phone=row.telephone)
        for number, row in shared.people.people(n for n in persons if n > 0).items()
    }
    for number in persons:
        if id_ := entry_of(number):
            with suppress(NothingFoundError):
                fields = shared.entries.get(VISITORS, id_).fields
                texts = {name: str(fields.get(name) or "") for name in ("name", "unit", "phone")}
                people[number] = KnownPerson(**texts)
    return people


def known_person(shared: Shared, number: int) -> KnownPerson | None:
    """One of `known_people`, with the telephone number cut to the length that a follow-up
    allows."""
    person = known_people(shared, [number]).get(number)
    return person and msgspec.structs.replace(person, phone=person.phone[: MAX_LENGTHS["phone"]])


def with_card_names(shared: Shared, followed: Iterable[Followed]) -> Iterator[Followed]:
    """Each fever with its follow-up. If nobody has begun it, it has the name from the fever's card,
    like the form for it. Raises `StoreError`."""
    rest = iter(followed)
    while part := list(islice(rest, follow_ups.AT_ONCE)):
        with shared.reader() as reader:
            persons = {
                identity_of(fever): person_of(reader, *identity_of(fever))
                for fever, after in part
                if after is None
            }
        people = known_people(shared, (person for person in persons.values() if person is not None))
        for fever, after in part:
            if card := people.get(persons.get(identity_of(fever)) or 0):
                yield fever, FollowUp(person=card.name, unit=card.unit, phone=card.phone)
            else:
                yield fever, after


def named(shared: Shared, passers: Sequence[Passer], language: str, gate: str) -> list[NamedPasser]:
    """Passers with their names; for a kiosk at another gate than `gate`, that gate's name is added.
    Raises `StoreError`."""
    say, names = translator(language), shared.settings.names(language)
    people = known_people(shared, (row.person for row in passers if row.person is not None))
    rows = []
    for passer in passers:
        person = people.get(passer.person or 0, KnownPerson())
        at = shared.settings.devices.get(passer.kiosk, gate)
        door = "" if at == gate else f"{names.gate(at)} · "
        nameless = N_("a card on no list") if passer.person is None else N_("name erased")
        rows.append(
            NamedPasser(
                name=person.name or say(nameless),
                unit=person.unit,
                permit=say(PERMIT_NAMES.get(passer.permit, PERMIT_NAMES["ask"])),
                kiosk=door + names.kiosk(passer.kiosk),
                stopped=passer.permit != "enter",
                fever=passer.verdict == "fever",
            )
        )
    return rows
