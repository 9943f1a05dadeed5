"""/admin/list: the list of people as the student office keeps it, at the list's home; a copy of it
is looked at only.

Whoever may administer sees it. Names that are looked at, and every change, are in the audit.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import ListFileError, PeopleError
from fevergate.people.changes import ListDifference, PeopleChanges
from fevergate.people.drafts import ListDrafts
from fevergate.people.list_columns import KINDS, ListRules
from fevergate.people.list_file import in_words, read_list
from fevergate.people.list_table import MAX_BYTES
from fevergate.people.policy import Policies
from fevergate.people.store import PERMITS, ListedPerson, PeopleStore
from fevergate.texts.translations import N_, translator
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import PAGE, Site, last_page, page_of
from fevergate.web_common.routes import Form, get, post, upload

LIST = "/admin/list"
MOST_FOUND = 50
MOST_SHOWN = 200
"""People of each sort that the page of a difference names."""

KIND_NAMES = {"student": N_("Students"), "staff": N_("Staff"), "guard": N_("Guards")}
PERMIT_NAMES = {"enter": N_("may enter"), "ask": N_("ask the guard"), "stop": N_("may not enter")}
FIELD_NAMES = {
    "number": N_("Number"),
    "name": N_("Name"),
    "kind": N_("Kind"),
    "class_": N_("Class"),
    "unit": N_("Unit"),
    "campus": N_("Campus"),
    "permit": N_("Permit of the list"),
    "card": N_("Card"),
    "telephone": N_("Telephone"),
    "until": N_("Last day"),
    "expected": N_("Measured each day"),
}


class ListSite(Struct, frozen=True):
    """What the pages of a list need: the list, how files are read, whether this is its home, and
    names of campuses by language."""

    store: PeopleStore
    rules: ListRules
    is_home: bool
    campuses: Callable[[str], Mapping[str, str]]

    @property
    def zone(self) -> ZoneInfo:
        return self.rules.zone


class ListPages:
    """The pages of the list of people."""

    def __init__(self, site: Site, of: ListSite) -> None:
        self._site = site
        self._of = of
        self._store = of.store
        self._changes = PeopleChanges(of.store)
        self._policies = Policies(of.store)
        self._drafts = ListDrafts(of.store)
        self.routes = [
            get(LIST, self.overview),
            get(f"{LIST}/unit", self.unit),
            post(f"{LIST}/search", self.search),
            get(f"{LIST}/people/{{person:int}}", self.person),
            post(f"{LIST}/people/{{person:int}}", self.change_person),
            get(f"{LIST}/policy", self.policy),
            post(f"{LIST}/policy", self.change_policy),
            upload(f"{LIST}/upload", self.upload, MAX_BYTES),
            get(f"{LIST}/drafts/{{id:str}}", self.draft),
            post(f"{LIST}/drafts/{{id:str}}", self.apply),
        ]

    def overview(
        self,
        request: Request,
        *,
        found: list[ListedPerson] | None = None,
        error: str = "",
        problems: tuple[str, ...] = (),
    ) -> Response:
        """Units with their people, the search, and at the list's home a new list."""
        now = self._now()
        units = self._store.units(now)
        return self._page(
            request,
            "list.html",
            400 if error or problems else 200,
            state=self._store.state(),
            units=units,
            total=sum(count for _, count in units),
            found=found,
            permits=self._permits(found or []),
            error=error,
            problems=problems,
        )

    def unit(self, request: Request) -> Response:
        """The people of a unit."""
        unit, number = request.query_params.get("name", ""), page_of(request)
        count = dict(self._store.units(self._now())).get(unit, 0)
        people = self._store.of_unit(unit, self._now(), PAGE, (number - 1) * PAGE)
        self._site.note(request, "look at people", unit)
        return self._page(
            request,
            "list_unit.html",
            unit=unit,
            count=count,
            people=people,
            permits=self._permits(people),
            number=number,
            last=last_page(count),
            query=urlencode({"name": unit}),
        )

    def search(self, request: Request, form: Form) -> Response:
        """Whoever has a number, name or card; what was looked for is in no address and no log."""
        found = self._store.find(form["text"], MOST_FOUND) if form["text"].strip() else []
        self._site.note(request, "search person", str(len(found)))
        return self.overview(request, found=found)

    def person(self, request: Request, error: str = "") -> Response:
        """One person, and at the list's home what may be changed of them."""
        person = self._person(request)
        now = self._now()
        self._site.note(request, "look at people", str(person.person))
        return self._page(
            request,
            "list_person.html",
            400 if error else 200,
            person=person,
            permit=self._store.permit(person.person, now),
            override=next(iter(self._policies.overrides(now, [person.person])), None),
            tomorrow=self._today() + timedelta(days=1),
            error=error,
        )

    def change_person(self, request: Request, form: Form) -> Response:
        """Give a person a permit of their own, end it, or erase their names."""
        self._expect_home()
        person, by = self._person(request).person, session_of(request).user
        try:
            if form["action"] == "override":
                until = self._end_of(form["until"])
                self._policies.override(person, form["permit"], until, by)
                self._site.note(request, "override", f"{person}: {form['permit']}")
            elif form["action"] == "end":
                self._policies.end_override(person, by)
                self._site.note(request, "end override", str(person))
            elif form["action"] == "forget":
                self._changes.forget(person)
                self._site.note(request, "forget person", str(person))
                return RedirectResponse(LIST, 303)
        except PeopleError as error:
            return self.person(request, error.reason)
        return RedirectResponse(f"{LIST}/people/{person}", 303)

    def policy(self, request: Request, error: str = "") -> Response:
        """What each kind and class may do, and who has a permit of their own."""
        now = self._now()
        overrides = self._policies.overrides(now)
        people = self._store.people([row.person for row in overrides[:MOST_SHOWN]])
        if people:
            self._site.note(request, "look at people", str(len(people)))
        return self._page(
            request,
            "list_policy.html",
            400 if error else 200,
            rows=self._policies.rows(now),
            overrides=[(row, people[row.person]) for row in overrides if row.person in people],
            more=len(overrides) - len(people),
            error=error,
        )

    def change_policy(self, request: Request, form: Form) -> Response:
        """Set the policy of a kind or class; it is in force at the next tap."""
        self._expect_home()
        try:
            by = session_of(request).user
            self._policies.set(form["kind"], form["class"], form["permit"], by)
        except PeopleError as error:
            return self.policy(request, error.reason)
        what = f"{form['kind']} {form['class']}".strip()
        self._site.note(request, "set policy", f"{what}: {form['permit'] or '-'}")
        return RedirectResponse(f"{LIST}/policy", 303)

    def upload(self, request: Request, form: Form, file: str, content: bytes) -> Response:
        """Read a new list, and show what it would change; nothing is changed by it."""
        self._expect_home()
        if not content:
            return self.overview(request, error="no_file")
        rules = msgspec.structs.replace(self._of.rules, kind=form.get("kind", "").strip())
        try:
            listed = read_list(content, file, rules)
        except ListFileError as error:
            language = self._site.language(request)
            words = (in_words(problem, language) for problem in error.problems)
            return self.overview(request, problems=(f"{file}:", *words))
        draft = self._drafts.keep(file, listed, session_of(request).user)
        return RedirectResponse(f"{LIST}/drafts/{draft}", 303)

    def draft(self, request: Request, error: str = "") -> Response:
        """What a list that was uploaded would change."""
        self._expect_home()
        try:
            draft = self._drafts.get(request.path_params["id"])
        except PeopleError as gone:
            return self.overview(request, error=gone.reason)
        self._drafts.show(draft.id)
        difference = self._changes.compare(draft.listed.entries)
        self._site.note(request, "look at list difference", draft.file[:64])
        return self._page(
            request,
            "list_draft.html",
            400 if error else 200,
            draft=draft,
            difference=difference,
            changed=self._changed(request, difference),
            gone=self._store.people(difference.gone[:MOST_SHOWN]).values(),
            most=MOST_SHOWN,
            error=error,
        )

    def apply(self, request: Request, form: Form) -> Response:
        """Make the list that was uploaded the list, or drop it."""
        self._expect_home()
        try:
            draft = self._drafts.get(request.path_params["id"])
            if form["action"] == "apply":
                difference = self._changes.replace(
                    draft.listed.entries, drastic=form["gone"] == "yes", shown=draft.revision
                )
                self._site.note(request, "import list", difference.in_numbers)
            self._drafts.drop(draft.id)
        except PeopleError as error:
            return self.draft(request, error.reason)
        return RedirectResponse(LIST, 303)

    def _changed(
        self, request: Request, difference: ListDifference
    ) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """Name and number of whoever changes, with each field's title and values."""
        shown = difference.changed[:MOST_SHOWN]
        before = self._store.people([person for person, _ in shown])
        return [
            (
                f"{entry.name} {entry.number}",
                [
                    (
                        title,
                        self._value(request, name, before[person]),
                        self._value(request, name, entry),
                    )
                    for name, title in FIELD_NAMES.items()
                    if getattr(before[person], name) != getattr(entry, name)
                ],
            )
            for person, entry in shown
            if person in before
        ]

    def _value(self, request: Request, field: str, of: Any) -> str:
        """A field's value in words."""
        value, say = getattr(of, field), translator(self._site.language(request))
        if field == "until":
            return "-" if value is None else self._last_day(value).isoformat()
        if field == "expected":
            return "✓" if value else "-"
        names = {"kind": KIND_NAMES, "permit": PERMIT_NAMES}.get(field, {})
        return (say(names[value]) if value in names else value) or "-"

    def _page(self, request: Request, template: str, status: int = 200, /, **more: Any) -> Response:
        return self._site.page(
            request,
            template,
            status,
            **more,
            is_home=self._of.is_home,
            kind_names=KIND_NAMES,
            kinds=tuple(KINDS),
            permit_names=PERMIT_NAMES,
            all_permits=PERMITS,
            campuses=self._of.campuses(self._site.language(request)),
            last_day=self._last_day,
            now=self._now(),
        )

    def _permits(self, people: list[ListedPerson]) -> dict[int, str | None]:
        return {row.person: self._store.permit(row.person, self._now()) for row in people}

    def _person(self, request: Request) -> ListedPerson:
        number = request.path_params["person"]
        person = self._store.people([number]).get(number) if number < 2**31 else None
        if person is None:
            raise HTTPException(404)
        return person

    def _expect_home(self) -> None:
        if not self._of.is_home:
            raise HTTPException(404)

    def _now(self) -> float:
        return self._store.statements.clock()

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), self._of.zone).date()

    def _last_day(self, until: float) -> date:
        """The last whole or broken day before an end."""
        return datetime.fromtimestamp(until - 1, self._of.zone).date()

    def _end_of(self, text: str) -> float:
        """The end of a day. Raises `PeopleError`."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise PeopleError("override_until") from None
        if not 2000 <= day.year < 2200:
            raise PeopleError("override_until")
        over = datetime.combine(day + timedelta(days=1), datetime.min.time(), self._of.zone)
        return over.timestamp()
