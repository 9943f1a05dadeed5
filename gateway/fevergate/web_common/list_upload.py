"""Pages on which the student office uploads a new list of people, sees what it would change, and
applies it."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import ListFileError, PeopleError
from fevergate.people.changes import ListDifference, PeopleChanges
from fevergate.people.drafts import ListDrafts
from fevergate.people.list_file import in_words, read_list
from fevergate.people.list_table import MAX_BYTES, only_reader
from fevergate.texts.translations import translator
from fevergate.web_common.list_pages import (
    LIST,
    MOST_SHOWN,
    ListPages,
    ListSite,
)
from fevergate.web_common.list_words import FIELD_NAMES, KIND_NAMES, PERMIT_NAMES
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import Site
from fevergate.web_common.routes import Form, get, post, upload, whole_number


class ListUpload:
    """The pages of an upload. They exist where the list is kept: at the campus server or, without
    one, at the gateway. Elsewhere they answer 404."""

    def __init__(self, site: Site, list_site: ListSite, pages: ListPages) -> None:
        self._site = site
        self._list_site = list_site
        self._pages = pages
        self._store = list_site.store
        self._changes = PeopleChanges(list_site.store)
        self._drafts = ListDrafts(list_site.store)
        self.routes = [
            upload(f"{LIST}/upload", self.upload, MAX_BYTES),
            get(f"{LIST}/upload", lambda _: RedirectResponse(LIST, 303)),
            get(f"{LIST}/drafts/{{id:str}}", self.draft),
            post(f"{LIST}/drafts/{{id:str}}", self.apply),
        ]

    def upload(self, request: Request, form: Form, file: str, content: bytes) -> Response:
        """Read a new list, keep it as a draft and show what it would change; the list in force
        stays as it is."""
        self._pages.expect_home()
        if not content:
            return self._pages.overview(request, error="no_file")
        rules = msgspec.structs.replace(self._list_site.rules, kind=form.get("kind", "").strip())
        try:
            with only_reader(file):
                listed = read_list(content, file, rules)
                draft = self._drafts.keep(file, listed, session_of(request).user)
        except ListFileError as error:
            language = self._site.language(request)
            words = (in_words(problem, language) for problem in error.problems)
            return self._pages.overview(request, problems=(f"{file}:", *words))
        return RedirectResponse(f"{LIST}/drafts/{draft}", 303)

    def draft(self, request: Request, error: str = "") -> Response:
        """Show what an uploaded list would change."""
        self._pages.expect_home()
        try:
            draft = self._drafts.get(request.path_params["id"])
        except PeopleError as gone:
            return self._pages.overview(request, error=gone.reason)
        state = self._store.state()
        difference = self._changes.compare(draft.listed.entries)
        self._site.note(request, "look at list difference", difference.in_numbers)
        return self._pages.page(
            request,
            "list_draft.html",
            draft=draft,
            difference=difference,
            revision=state.revision if state else 0,
            changed=self._changed(request, difference),
            gone=self._store.people(difference.gone[:MOST_SHOWN]).values(),
            most=MOST_SHOWN,
            error=error,
        )

    def apply(self, request: Request, form: Form) -> Response:
        """Put the uploaded list in force, or drop it. The form holds the revision of the list with
        which the draft was compared. If the list has changed since, such as by another browser, the
        form is refused."""
        self._pages.expect_home()
        try:
            draft = self._drafts.get(request.path_params["id"])
            if form["action"] == "apply":
                difference = self._changes.replace(
                    draft.listed.entries,
                    drastic=form["gone"] == "yes",
                    shown=whole_number(form["revision"], 18),
                )
                self._site.note(request, "import list", difference.in_numbers)
            self._drafts.drop(draft.id)
        except PeopleError as error:
            return self.draft(request, error.reason)
        return RedirectResponse(LIST, 303)

    def _changed(
        self, request: Request, difference: ListDifference
    ) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """For each person who changes: name and number; for each changed field: title, value before
        and value now."""
        changes = difference.changed[:MOST_SHOWN]
        before = self._store.people([person for person, _ in changes])
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
            for person, entry in changes
            if person in before
        ]

    def _value(self, request: Request, field: str, of: Any) -> str:
        """A field's value in words."""
        value, say = getattr(of, field), translator(self._site.language(request))
        if field == "until":
            return "-" if value is None else self._pages.last_day(value).isoformat()
        if field == "expected":
            return "✓" if value else "-"
        names = {"kind": KIND_NAMES, "permit": PERMIT_NAMES}.get(field, {})
        return (say(names[value]) if value in names else value) or "-"


def list_routes(site: Site, list_site: ListSite) -> list[Route]:
    """The routes of all pages of the list of people."""
    pages = ListPages(site, list_site)
    return [*pages.routes, *ListUpload(site, list_site, pages).routes]
