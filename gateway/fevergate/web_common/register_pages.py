"""/registers: what people note beside the measuring, one page for each declared register.

Guards add entries and close open ones; they see an entry's names while it is open. Only
administrators look back, search, export and correct closed entries. The audit notes every look.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import EntryError, PeriodError
from fevergate.people.passes import REGISTER as VISITORS
from fevergate.registers.declarations import RegisterDeclaration
from fevergate.registers.entries import new_id
from fevergate.registers.entry_reader import MOST, Entry
from fevergate.storage.coverage_bits import day_bounds
from fevergate.texts.translations import translator
from fevergate.web_common.dates import Period, period, spans
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import PAGE, Site, last_page, page_of
from fevergate.web_common.register_words import RegisterSite, RegisterWords
from fevergate.web_common.routes import Form, get, post, whole_number
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Sheet, folded

MAX_SEARCHED = 5000
"""A search decrypts at most this many entries of its period, the newest."""

MAX_REASON = 200
ONE_PASSAGE_S = 120.0
"""Measurements of a person within this time (s) belong to one passage."""

LATEST = 20
"""Most entries of today that a register's page lists."""


class RegisterPages:
    """Pages of all registers."""

    def __init__(self, site: Site, registers: RegisterSite) -> None:
        self._site = site
        self._registers = registers
        self._entries = registers.entries
        below, admin = "/registers/{register:str}", "/admin/registers/{register:str}"
        self.routes = [
            get("/registers", self.all),
            get(below, self.register),
            post(below, self.enter),
            get(f"{below}/{{id:number}}", self.entry),
            post(f"{below}/{{id:number}}", self.change),
            get(f"{admin}.{{kind:str}}", self.file),
            get(admin, self.history),
            post(admin, self.search),
        ]

    def all(self, request: Request) -> Response:
        """Show every register that the user keeps, with its `RegisterState`. Raises
        `HTTPException` 403 for none."""
        words = self._words(request)
        registers = self._entries.registers.values()
        kept_registers = [register for register in registers if self.keeps(request, register)]
        if not kept_registers:
            raise HTTPException(403)
        rows = [(register, words.standing(register)) for register in kept_registers]
        return self._site.page(request, "registers.html", rows=rows, words=words)

    def register(
        self, request: Request, given: Form | None = None, error: EntryError | None = None
    ) -> Response:
        """Show a register's open entries, today's entries, what is due, its sums, and a form for a
        new entry."""
        register, words = self._register(request), self._words(request)
        begin, standing = self._registers.day_begin(), words.standing(register)
        today = self._entries.entered(register.name, begin, self._registers.now() + 1, LATEST)
        if register.personal:
            self._site.note(request, "look at register", register.name)
        return self._site.page(
            request,
            "register.html",
            register=register,
            words=words,
            standing=standing,
            passed=self._passed(register, [entry.id for entry in standing.open]),
            today_entries=[
                entry if self._reads(request, register, entry) else nameless(register, entry)
                for entry in today
            ],
            gates=self._registers.gates(self._site.language(request)),
            days=self._registers.days,
            id=given["id"] if given else new_id(),
            gate=next((entry.gate for entry in today if entry.by == session_of(request).user), ""),
            given=given,
            error=error,
        )

    def enter(self, request: Request, form: Form) -> Response:
        """Add an entry; a form that was sent twice adds one."""
        register, id_ = self._register(request), whole_number(form["id"], 16)
        try:
            new = self._registers.form().read(register, _fields(register, form), form["gate"])
            entry = self._entries.add(register.name, new, session_of(request).user, id_)
        except EntryError as error:
            return self.register(request, form, error)
        self._site.note(request, "enter", f"{register.name} {entry.id}")
        return RedirectResponse(f"/registers/{register.name}", 303)

    def entry(
        self, request: Request, given: Form | None = None, error: EntryError | None = None
    ) -> Response:
        """Show an entry in a form that corrects it; an administrator sees its revisions as well."""
        register, words = self._register(request), self._words(request)
        entry = self._entry(request, register)
        self._site.note(request, "look at entry", f"{register.name} {entry.id}")
        history = self._entries.history(register.name, entry.id) if _is_admin(request) else []
        return self._site.page(
            request,
            "register_entry.html",
            register=register,
            words=words,
            entry=entry,
            history=history,
            reasoned=entry.forgotten or (register.open and entry.closed_at is not None),
            gates=self._registers.gates(self._site.language(request)),
            days=self._registers.days,
            given=given,
            error=error,
        )

    def change(self, request: Request, form: Form) -> Response:
        """Close an entry, open it again, or correct it."""
        register, user = self._register(request), session_of(request).user
        id_, revision = request.path_params["id"], whole_number(form["revision"])
        subject, action = f"{register.name} {id_}", form["action"]
        if action == "reopen" and not self._reopens(request, register):
            raise HTTPException(403)
        if action in ("close", "reopen"):
            act = self._entries.close if action == "close" else self._entries.reopen
            try:
                act(register.name, id_, user, revision)
            except EntryError as error:
                return self.register(request, error=error)
            self._site.note(request, f"{action} entry", subject)
            return RedirectResponse(f"/registers/{register.name}", 303)
        entry, reason = self._entry(request, register), form["reason"].strip()
        try:
            if len(reason) > MAX_REASON:
                raise EntryError("reason", "reason")
            fields = _fields(register, form)
            new = self._registers.form().read(
                register, fields, form["gate"], forgotten=entry.forgotten
            )
            changed = self._entries.change(register.name, id_, new, user, revision, reason)
        except EntryError as error:
            return self.entry(request, form, error)
        because = f" reason: {reason}" if reason else ""
        self._site.note(
            request, "correct entry", f"{subject} {', '.join(changed)}{because}".strip()
        )
        return RedirectResponse(f"/registers/{register.name}", 303)

    def history(self, request: Request, given: Form | None = None) -> Response:
        """Show a period's entries, the newest first; with a search, only entries that contain its
        text."""
        register, words = self._register(request), self._words(request)
        form = given or request.query_params
        number, text, error = page_of(request, form), (given or {}).get("text", "").strip(), ""
        span, rows, count, cut = None, list[Entry](), 0, False
        try:
            span, begin, end = self._period(form)
        except PeriodError as refusal:
            error = refusal.reason
        else:
            skip = (number - 1) * PAGE
            if text:
                looked_at = self._entries.entered(register.name, begin, end, MAX_SEARCHED)
                part = folded(text)
                matches = [entry for entry in looked_at if _has(words, register, entry, part)]
                rows, count = matches[skip : skip + PAGE], len(matches)
                cut = len(looked_at) == MAX_SEARCHED
            else:
                rows = self._entries.entered(register.name, begin, end, PAGE, skip)
                count = self._entries.count(register.name, begin, end)
            action = "search register" if text else "look at register"
            self._site.note(request, action, f"{register.name} {span}")
        return self._site.page(
            request,
            "register_history.html",
            register=register,
            words=words,
            when=span,
            given={"from": form.get("from", ""), "to": form.get("to", ""), "text": text},
            spans=spans(self._registers.today()),
            rows=rows,
            count=count,
            cut=cut,
            number=number,
            last=last_page(count),
            days=self._registers.days,
            error=error,
        )

    def search(self, request: Request, form: Form) -> Response:
        """Search by a submitted form, so that no URL contains a name."""
        return self.history(request, form)

    def file(self, request: Request) -> Response:
        """Export a period's entries, without names unless the query asks for them."""
        register, kind = self._register(request), kind_of(request)
        span, begin, end = self._period(request.query_params)
        personal = request.query_params.get("names") == "1"
        name = f"{register.name}{'-with-names' * personal}-{span.begin}-{span.end}.{kind}"
        write = partial(self._write, request, register, (begin, end), span, personal)
        return self._site.answer_file(request, "take register", name, write)

    def keeps(self, request: Request, register: RegisterDeclaration) -> bool:
        """Whether the user keeps a register."""
        by_guards = register.keepers == "guards" and self._registers.guards
        return _is_admin(request) or (by_guards and session_of(request).role == "guard")

    def _write(
        self,
        request: Request,
        register: RegisterDeclaration,
        bounds: tuple[float, float],
        span: Period,
        personal: bool,
        out: BinaryIO,
    ) -> None:
        kind, words = request.path_params["kind"], self._words(request)
        count = self._entries.count(register.name, *bounds)
        if kind == "json":
            rows = list(self._all(register, *bounds, personal=personal))
            head = {"register": register.name, "from": span.begin, "to": span.end}
            out.write(msgspec.json.encode(head | {"entries": rows}))
            return
        read = partial(self._all, register, *bounds, personal=personal)
        table = words.table(register, count, read, personal=personal)
        say = translator(self._site.language(request))
        sheet = Sheet(
            title=f"{words.title(register)} {span}",
            state="green",
            verdict=say("Entries: %(count)s") % {"count": count},
            lines=[say("Times are those of %s.") % self._registers.zone.key],
            tables=[table],
        )
        write_sheet(kind, sheet, say, out)

    def _all(
        self, register: RegisterDeclaration, begin: float, end: float, *, personal: bool
    ) -> Iterator[Entry]:
        """The entries of a period, the newest first; without names unless `personal`."""
        skip = 0
        while part := self._entries.entered(register.name, begin, end, MOST, skip):
            yield from part if personal else (nameless(register, entry) for entry in part)
            skip += len(part)

    def _register(self, request: Request) -> RegisterDeclaration:
        register = self._entries.register(request.path_params["register"])
        if not self.keeps(request, register):
            raise HTTPException(403)
        return register

    def _entry(self, request: Request, register: RegisterDeclaration) -> Entry:
        """The entry of the address. Raises `HTTPException` 403 for one that the user may not
        read."""
        entry = self._entries.get(register.name, request.path_params["id"])
        if not self._reads(request, register, entry):
            raise HTTPException(403)
        return entry

    def _reads(self, request: Request, register: RegisterDeclaration, entry: Entry) -> bool:
        """Whether the user may read an entry's names. A guard may while it is open or, in a
        register whose entries are not closed, on the day of entry."""
        if _is_admin(request):
            return True
        if register.open:
            return entry.closed_at is None
        return entry.first_at >= self._registers.day_begin()

    def _reopens(self, request: Request, register: RegisterDeclaration) -> bool:
        """Whether the user may reopen the entry of the address, which shows its names; a guard may
        on the day of entry."""
        entry = self._entries.get(register.name, request.path_params["id"])
        return _is_admin(request) or entry.first_at >= self._registers.day_begin()

    def _passed(
        self, register: RegisterDeclaration, ids: list[int]
    ) -> dict[int, tuple[float, bool]] | None:
        """When each visitor last passed a gate with the pass (Unix time, s), and whether that was a
        later passage than the first, so that the visitor may have left. None for a register without
        passes."""
        read = self._registers.passed
        if read is None or register.name != VISITORS or not register.open:
            return None
        return {id_: (at[-1], at[-1] - at[0] > ONE_PASSAGE_S) for id_, at in read(ids).items()}

    def _words(self, request: Request) -> RegisterWords:
        language = self._site.language(request)
        return RegisterWords(self._registers, language, translator(language))

    def _period(self, form: Mapping[str, str]) -> tuple[Period, float, float]:
        span, zone = period(self._registers.today(), form), self._registers.zone
        return span, day_bounds(span.begin, zone)[0], day_bounds(span.end, zone)[1]


def nameless(register: RegisterDeclaration, entry: Entry) -> Entry:
    """An entry without names and other fields that are deleted later. The register's present
    declaration and the one at the time of entry both say which fields these are."""
    hidden = {*register.personal, *entry.personal}
    fields = {name: value for name, value in entry.fields.items() if name not in hidden}
    return msgspec.structs.replace(entry, fields=fields, by="")


def _fields(register: RegisterDeclaration, form: Form) -> dict[str, str]:
    """A register's fields in a form, where they are called `field-NAME`."""
    return {name: form[f"field-{name}"] for name in register.fields}


def _has(words: RegisterWords, register: RegisterDeclaration, entry: Entry, text: str) -> bool:
    """Whether a text is part of a value of an entry."""
    values = (words.value(field, entry.fields.get(name)) for name, field in register.fields.items())
    return any(text in folded(value) for value in values)


def _is_admin(request: Request) -> bool:
    return session_of(request).role == "administrator"
