"""/admin/list: the list of people as the student office keeps it, at the list's home; a copy of it
is looked at only.

Whoever may administer sees it. Names that are looked at, and every change, are in the audit.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import PeopleError
from fevergate.people.changes import PeopleChanges
from fevergate.people.list_columns import KINDS, ListRules
from fevergate.people.policy import Policies
from fevergate.people.store import PERMITS, ListedPerson, PeopleStore
from fevergate.web_common.list_words import KIND_NAMES, PERMIT_NAMES
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import PAGE, Site, last_page, page_of
from fevergate.web_common.routes import Form, get, post

LIST = "/admin/list"
MOST_FOUND = 50
MOST_SHOWN = 200
"""People of each sort that the page of a difference names."""


class ListSite(Struct, frozen=True):
    """What the pages of a list need: the list, how files are read, whether the list is kept here
    (`is_home`; a gateway with a campus server has a copy), and names of campuses by language."""

    store: PeopleStore
    rules: ListRules
    is_home: bool
    campuses: Callable[[str], Mapping[str, str]]

    @property
    def zone(self) -> ZoneInfo:
        return self.rules.zone


class ListPages:
    """The pages of the list of people."""

    def __init__(self, site: Site, list_site: ListSite) -> None:
        self._site = site
        self._list_site = list_site
        self._store = list_site.store
        self._changes = PeopleChanges(list_site.store)
        self._policies = Policies(list_site.store)
        self.routes = [
            get(LIST, self.overview),
            get(f"{LIST}/unit", self.unit),
            post(LIST, self.search),
            get(f"{LIST}/people/{{person:number}}", self.person),
            post(f"{LIST}/people/{{person:number}}", self.change_person),
            get(f"{LIST}/policy", self.policy),
            post(f"{LIST}/policy", self.change_policy),
        ]

    def overview(
        self,
        request: Request,
        *,
        people: list[ListedPerson] | None = None,
        error: str = "",
        problems: tuple[str, ...] = (),
    ) -> Response:
        """Units with their people, the search, and where the list is kept the upload of a new
        one."""
        now = self._now()
        units = self._store.units(now)
        return self.page(
            request,
            "list.html",
            state=self._store.state(),
            units=units,
            total=sum(count for _, count in units),
            found=people,
            permits=self._permits(people or []),
            error=error,
            problems=problems,
        )

    def unit(self, request: Request) -> Response:
        """The people of a unit."""
        unit, number = request.query_params.get("name", ""), page_of(request)
        count = dict(self._store.units(self._now())).get(unit, 0)
        people = self._store.of_unit(unit, self._now(), PAGE, (number - 1) * PAGE)
        self._site.note(request, "look at people", unit)
        return self.page(
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
        people = self._store.find(form["text"], MOST_FOUND) if form["text"].strip() else []
        self._site.note(request, "search person", str(len(people)))
        return self.overview(request, people=people)

    def person(self, request: Request, error: str = "") -> Response:
        """One person, and where the list is kept what may be changed of them."""
        person = self._person(request)
        now = self._now()
        self._site.note(request, "look at people", str(person.person))
        return self.page(
            request,
            "list_person.html",
            person=person,
            permit=self._store.permit(person.person, now),
            override=next(iter(self._policies.overrides(now, [person.person])), None),
            tomorrow=self._today() + timedelta(days=1),
            error=error,
        )

    def change_person(self, request: Request, form: Form) -> Response:
        """Give a person a permit of their own, end it, or erase their names."""
        self.expect_home()
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
        return self.page(
            request,
            "list_policy.html",
            rows=self._policies.rows(now),
            overrides=[(row, people[row.person]) for row in overrides if row.person in people],
            more=len(overrides) - len(people),
            error=error,
        )

    def change_policy(self, request: Request, form: Form) -> Response:
        """Set the policy of a kind or class; it is in force at the next tap."""
        self.expect_home()
        try:
            by = session_of(request).user
            self._policies.set(form["kind"], form["class"], form["permit"], by)
        except PeopleError as error:
            return self.policy(request, error.reason)
        group = f"{form['kind']} {form['class']}".strip()
        self._site.note(request, "set policy", f"{group}: {form['permit'] or '-'}")
        return RedirectResponse(f"{LIST}/policy", 303)

    def page(self, request: Request, template: str, /, **context: Any) -> Response:
        """Render a template of the list's pages."""
        return self._site.page(
            request,
            template,
            **context,
            is_home=self._list_site.is_home,
            kind_names=KIND_NAMES,
            kinds=tuple(KINDS),
            permit_names=PERMIT_NAMES,
            all_permits=PERMITS,
            campuses=self._list_site.campuses(self._site.language(request)),
            last_day=self.last_day,
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

    def expect_home(self) -> None:
        """Raise `HTTPException` 404 where the list is a copy."""
        if not self._list_site.is_home:
            raise HTTPException(404)

    def _now(self) -> float:
        return self._store.statements.clock()

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), self._list_site.zone).date()

    def last_day(self, until: float) -> date:
        """The last whole or broken day before an end."""
        return datetime.fromtimestamp(until - 1, self._list_site.zone).date()

    def _end_of(self, text: str) -> float:
        """The end of a day. Raises `PeopleError`."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise PeopleError("override_until") from None
        if not 2000 <= day.year < 2200:
            raise PeopleError("override_until")
        over = datetime.combine(day + timedelta(days=1), datetime.min.time(), self._list_site.zone)
        return over.timestamp()
