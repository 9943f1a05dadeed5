"""/admin/roster: the planned shifts, and the upload of a file that replaces them.

The page shows what a file would change before anything is changed. It sends the file's shifts back,
so that any of several servers can apply them.
"""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import DutyError, EntryError, ListFileError
from fevergate.people.list_file import in_words
from fevergate.people.list_table import MAX_BYTES, only_reader
from fevergate.registers.duty import Duty, DutyChanges, OnDuty
from fevergate.texts.translations import N_, translator
from fevergate.web_common.duty_file import MOST_SHIFTS, DutyRules, read_roster
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import Site
from fevergate.web_common.routes import Form, get, upload

MOST_SHOWN = 200
"""Most shifts of each kind that the page lists."""

PATH = "/admin/roster"


class RosterPages:
    """The roster of a gateway, by gate, or of a campus server, by campus."""

    def __init__(
        self,
        site: Site,
        duty: Duty,
        zone: ZoneInfo,
        gates: Callable[[str], Mapping[str, str]],
        gate_word: str = N_("Gate"),
    ) -> None:
        """`gates` returns titles of the gates, or campuses, in a language; `gate_word`: the word
        for one of them."""
        self._site = site
        self._duty = duty
        self._zone = zone
        self._gates = gates
        self._gate_word = gate_word
        self.routes = [get(PATH, self.roster), upload(PATH, self.take, MAX_BYTES)]

    def roster(
        self,
        request: Request,
        error: str = "",
        problems: tuple[str, ...] = (),
        changes: DutyChanges | None = None,
        planned: str = "",
    ) -> Response:
        """Show the shifts that are not over; with `changes`, the shifts that a file would
        change."""
        shifts = self._duty.everybody()
        self._site.note(request, "look at register", "duty")
        return self._site.page(
            request,
            "roster.html",
            shifts=sorted(shifts, key=lambda shift: (shift.begin or 0.0, shift.gate, shift.name)),
            gates=self._gates(self._site.language(request)),
            gate_word=translator(self._site.language(request))(self._gate_word),
            changes=changes,
            planned=planned,
            error=error,
            problems=problems,
            most=MOST_SHOWN,
        )

    def take(self, request: Request, form: Form, file: str, content: bytes) -> Response:
        """Show what a file would change or, once that was shown, apply it."""
        try:
            if form.get("action") == "apply":
                return self._apply(request, form.get("planned", ""))
            if not content:
                return self.roster(request, error="no_file")
            with only_reader(file):
                shifts = read_roster(content, file, self._rules())
            changes = self._duty.compare(shifts)
        except ListFileError as refused:
            language = self._site.language(request)
            words = (in_words(problem, language) for problem in refused.problems)
            return self.roster(request, problems=(f"{file[:64]}:", *words))
        except DutyError as refused:
            return self.roster(request, error=refused.reason)
        except EntryError:
            return self.roster(request, error="meanwhile_duty")
        return self.roster(request, changes=changes, planned=msgspec.json.encode(shifts).decode())

    def _apply(self, request: Request, planned: str) -> Response:
        try:
            shifts = msgspec.json.decode(planned, type=list[OnDuty])
        except msgspec.MsgspecError:
            return self.roster(request, error="meanwhile_duty")
        changes = self._duty.compare(shifts[:MOST_SHIFTS])
        self._duty.apply(changes, session_of(request).user)
        self._site.note(request, "import duty", changes.in_numbers)
        return RedirectResponse(PATH, 303)

    def _rules(self) -> DutyRules:
        chinese, english = self._gates("zh"), self._gates("en")
        names = {gate: gate for gate in chinese}
        titles = {
            title: gate
            for language_names in (english, chinese)
            for gate, title in language_names.items()
        }
        return DutyRules(zone=self._zone, gates=names | titles)
