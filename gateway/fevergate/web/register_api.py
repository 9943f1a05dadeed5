"""Registers for programs: read declarations and a period's entries; add, correct or end an
entry."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fevergate.errors import EntryError
from fevergate.registers.declarations import MAX_FIELDS, RegisterDeclaration
from fevergate.registers.entries import MAX_ID
from fevergate.registers.entry_reader import Entry
from fevergate.storage.coverage_bits import day_bounds
from fevergate.web.api_part import ApiPart, PageNumber, Short, limits, pages
from fevergate.web.openapi import Date, Operations
from fevergate.web_common.dates import period
from fevergate.web_common.middleware import actor_of
from fevergate.web_common.register_pages import MAX_REASON
from fevergate.web_common.routes import whole_number

Key = Annotated[str, Meta(max_length=32)]
Values = Annotated[
    dict[Key, Annotated[str, Meta(max_length=200)] | float], Meta(max_length=MAX_FIELDS)
]
"""Values by the names of their fields; a time is Unix time (s) or local, YYYY-MM-DDTHH:MM."""

operation = Operations()


class NewRegisterEntry(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new entry. If there is an entry with this `id`, nothing is added, so that a request can be
    repeated."""

    fields: Values
    gate: Short = ""
    id: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None


class CorrectedEntry(Struct, kw_only=True, forbid_unknown_fields=True):
    """An entry's complete values, which replace those of `revision`; `reason` is needed if the
    entry has ended or its names were deleted."""

    fields: Values
    gate: Short = ""
    revision: Annotated[int, Meta(ge=1, lt=10**9)]
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class EndedEntry(Struct, forbid_unknown_fields=True):
    """The revision of the entry that is closed."""

    revision: Annotated[int, Meta(ge=1, lt=10**9)]


class EntriesAnswer(Struct):
    """A page of a period's entries, the newest first; `count` is the number of all its entries.
    `open`: entries of any period that are open or valid now."""

    entries: list[Entry]
    count: int
    pages: int
    open: list[Entry]


BELOW = "/registers/{register}/entries"


class RegisterApi(ApiPart):
    """The operations below /api/v1/registers."""

    @operation("GET", "/registers", "registers", "All registers with their fields")
    def registers(self, _request: Request) -> list[RegisterDeclaration]:
        return list(self._shared.entries.registers.values())

    @operation(
        *("GET", BELOW, "registers", "Entries of a period, the last week by default, with names"),
        query={"from": Date, "to": Date, "page": PageNumber},
        errors=(400, 404),
    )
    def entries(self, request: Request) -> EntriesAnswer:
        register, entries = self._register(request), self._shared.entries
        span, zone = (
            period(self._shared.clock.today(), request.query_params),
            self._shared.settings.zone,
        )
        bounds = day_bounds(span.begin, zone)[0], day_bounds(span.end, zone)[1]
        count = entries.count(register.name, *bounds)
        self._note(request, "look at register", f"{register.name} {span}")
        return EntriesAnswer(
            entries=entries.entered(register.name, *bounds, *limits(request)),
            count=count,
            pages=pages(count),
            open=entries.holding(register.name, self._shared.clock.now()) if register.holds else [],
        )

    @operation("POST", BELOW, "registers", "Add an entry", errors=(400, 404, 413))
    def add(self, request: Request, body: NewRegisterEntry) -> Entry:
        register = self._register(request)
        try:
            new = self._shared.registers.form().read(register, body.fields, body.gate)
            entry = self._shared.entries.add(register.name, new, actor_of(request), body.id)
        except EntryError as error:
            raise _refused(error) from None
        self._note(request, "enter", f"{register.name} {entry.id}")
        return entry

    @operation(
        *("PUT", f"{BELOW}/{{id}}", "registers", "Correct an entry"), errors=(400, 404, 409, 413)
    )
    def correct(self, request: Request, body: CorrectedEntry) -> Entry:
        register, id_ = self._register(request), _id(request)
        entries, reason = self._shared.entries, body.reason.strip()
        forgotten = entries.get(register.name, id_).forgotten
        form, by = self._shared.registers.form(), actor_of(request)
        try:
            new = form.read(register, body.fields, body.gate, forgotten=forgotten)
            changed = entries.change(register.name, id_, new, by, body.revision, reason)
        except EntryError as error:
            raise _refused(error) from None
        because = f" reason: {reason}" if reason else ""
        self._note(request, "correct entry", f"{register.name} {id_} {', '.join(changed)}{because}")
        return entries.get(register.name, id_)

    @operation(
        *("POST", f"{BELOW}/{{id}}/close", "registers", "Close an open entry"),
        errors=(400, 404, 409, 413),
    )
    def close(self, request: Request, body: EndedEntry) -> Entry:
        register, id_ = self._register(request), _id(request)
        try:
            self._shared.entries.close(register.name, id_, actor_of(request), body.revision)
        except EntryError as error:
            raise _refused(error) from None
        self._note(request, "close entry", f"{register.name} {id_}")
        return self._shared.entries.get(register.name, id_)

    def _register(self, request: Request) -> RegisterDeclaration:
        return self._shared.entries.register(request.path_params["register"])


def _id(request: Request) -> int:
    return whole_number(request.path_params["id"], 16)


def _refused(error: EntryError) -> HTTPException:
    return HTTPException(409 if error.reason == "meanwhile" else 400, str(error))
