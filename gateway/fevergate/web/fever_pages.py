"""Pages that search the fevers of a period, and export what was found.

A name is sent in the body of a form, never in an address, because addresses stay in histories and
logs. The audit notes each search: for a search by name it lists the fevers found, not the name,
which would outlive the follow-up.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import PeriodError
from fevergate.reports.fevers import identity_of
from fevergate.texts.translations import Say, translator
from fevergate.texts.word_tables import LABELS
from fevergate.web.context import Shared
from fevergate.web.fever_columns import fever_table
from fevergate.web.fever_search import CHOICES, FeverPage, FeverQuery, FeverSearch
from fevergate.web.follow_ups import IMPERSONAL, Followed
from fevergate.web.passer_pages import with_card_names
from fevergate.web_common.dates import Period, period, spans
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.page_maker import PAGE, last_page, page_of
from fevergate.web_common.routes import Form, get, post
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Sheet

FIELDS = ("from", "to", "gate", "kiosk", "outcome", "name")
FILES = "/admin/fevers.{kind:str}"
MAX_NOTED = 10
"""Most fevers that the audit lists for a search by name."""


class FeverPages:
    """/admin/fevers and its files."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._search = FeverSearch(shared)
        self.routes = [
            get("/admin/fevers", lambda request: self._show(request, _nameless(request))),
            post("/admin/fevers", self.search),
            get(FILES, lambda request: self._file(request, _nameless(request))),
            post(FILES, self._file),
        ]

    def search(self, request: Request, form: Form) -> Response:
        """Search by a form; without a name, redirect to an address that holds the whole query."""
        if not form["name"].strip():
            values = {name: form[name] for name in FIELDS if form[name]}
            return RedirectResponse(f"/admin/fevers?{urlencode(values)}", 303)
        return self._show(request, form)

    def _show(self, request: Request, form: Mapping[str, str]) -> Response:
        number, today = page_of(request, form), self._shared.clock.today()
        span, error, part = None, "", FeverPage([], 0)
        try:
            span, query = self._asked(form)
        except PeriodError as refusal:
            error = refusal.reason
        else:
            part = self._search.page(query, PAGE, (number - 1) * PAGE)
            self._note(request, span, query, part)
        given = {name: form.get(name, "") for name in FIELDS}
        if span:
            given |= {"from": span.begin.isoformat(), "to": span.end.isoformat()}
        return self._shared.page(
            request,
            "search.html",
            error=error,
            given=given,
            when=span,
            spans=spans(today),
            part=part,
            places=self._search.places(),
            choices=CHOICES,
            number=number,
            last=last_page(part.count),
        )

    def _file(self, request: Request, form: Mapping[str, str]) -> Response:
        """Export what a search finds, in one of the formats of a day's log."""
        kind = kind_of(request)
        span, query = self._asked(form)
        personal = form.get("names") == "1"
        language = self._shared.language(request)
        variant = "-with-names" * personal
        name = f"fevers{variant}-{self._shared.settings.campus}-{span.begin}-{span.end}.{kind}"
        write = partial(self._write, kind, span, query, language, personal)
        return self._shared.answer_file(request, "take fevers", name, write)

    def _asked(self, form: Mapping[str, str]) -> tuple[Period, FeverQuery]:
        span = period(self._shared.clock.today(), form)
        return span, self._search.query(span, form)

    def _note(self, request: Request, span: Period, query: FeverQuery, part: FeverPage) -> None:
        if not query.name:
            filters = " ".join(filter(None, (query.gate, query.kiosk, query.outcome)))
            self._shared.note(request, "search fevers", f"{span} {filters}".strip())
            return
        names = ", ".join(str(identity_of(fever)) for fever, _ in part.rows[:MAX_NOTED])
        self._shared.note(request, "search name", f"{span}: {part.count} {names}".strip())

    def _write(
        self,
        kind: str,
        span: Period,
        query: FeverQuery,
        language: str,
        personal: bool,
        out: BinaryIO,
    ) -> None:
        if kind == "json":
            self._write_json(span, query, personal, out)
            return
        settings, say = self._shared.settings, translator(language)
        with self._search.whole(query) as (count, read):

            def rows() -> Iterator[Followed]:
                return with_card_names(self._shared, read()) if personal else read()

            table = fever_table(settings, language, count, rows, personal=personal)
            sheet = Sheet(
                title=f"{say('Fevers')} {settings.campus_title(language)} {span}",
                state="red" if count else "green",
                verdict=say("Fevers: %(count)s") % {"count": count},
                lines=[
                    *self._filters(query, language, say),
                    say("Times are those of %s.") % settings.timezone,
                ],
                tables=[table],
            )
            write_sheet(kind, sheet, say, out)

    def _filters(self, query: FeverQuery, language: str, say: Say) -> list[str]:
        filters = []
        if query.gate:
            gate = self._shared.settings.gate_title(query.gate, language)
            filters.append(say("Only those of the gate {gate}.", gate=gate))
        if query.kiosk:
            kiosk = self._shared.settings.kiosk_title(query.kiosk, language)
            filters.append(say("Only those of the kiosk {kiosk}.", kiosk=kiosk))
        if query.outcome:
            outcome = say(LABELS[query.outcome])
            filters.append(say("Only those with the outcome: {outcome}.", outcome=outcome))
        if query.name:
            filters.append(say("Only those of one name or class."))
        return filters

    def _write_json(self, span: Period, query: FeverQuery, personal: bool, out: BinaryIO) -> None:
        with self._search.whole(query) as (count, read):
            head = {"campus": self._shared.settings.campus, "from": span.begin, "to": span.end}
            begin = msgspec.json.encode(head | {"count": count})
            out.write(begin[:-1] + b',"fevers":[')
            between = b""
            for fever, follow_up in read():
                row = {"fever": fever, "follow_up": follow_up}
                if follow_up and not personal:
                    row["follow_up"] = {name: getattr(follow_up, name) for name in IMPERSONAL}
                out.write(between + msgspec.json.encode(row))
                between = b","
            out.write(b"]}")


def _nameless(request: Request) -> Mapping[str, str]:
    """The query of an address without its `name`."""
    return {**request.query_params, "name": ""}
