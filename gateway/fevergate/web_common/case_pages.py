"""The page that shows who was told what: confirmed fevers that wait for somebody, and each
notice."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.texts.translations import LANGUAGES
from fevergate.web_common.middleware import session_of
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.page_maker import Site
from fevergate.web_common.routes import Form, get, post
from fevergate.web_common.told_cases import Case, Cases

MOST = 200
"""The page lists this many of the newest notices."""
MOST_CASES = 50


class CasePages:
    """/told, where "I will handle it" ends the repeats of a confirmed fever."""

    def __init__(
        self,
        site: Site,
        notices: Notices,
        cases: Cases,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        """`taken` is called after somebody has taken a case."""
        self._site = site
        self._notices = notices
        self._cases = cases
        self._taken = taken
        self.routes = [get("/told", self.told), post("/told", self.take)]

    def told(self, request: Request) -> Response:
        """Show the cases and the notices."""
        user = session_of(request).user
        cases = self._cases.recent(MOST_CASES)
        waiting = self._cases.waiting()
        names = {case.fever.key: self._names(case, user) for case in waiting}
        return self._site.page(
            request,
            "told.html",
            waiting=waiting,
            names=names,
            cases=[case for case in cases if not case.waits],
            places_of=partial(self._places, LANGUAGES.index(self._site.language(request))),
            notices=self._notices.recent(MOST),
            contacts=len(self._notices.settings.contacts),
            now=self._notices.store.clock(),
        )

    def take(self, request: Request, form: Form) -> Response:
        """Record who takes a case: the signed-in user, or somebody on duty there."""
        user, key = session_of(request).user, form["key"]
        case = next((case for case in self._cases.waiting() if case.fever.key == key), None)
        by = form["by"]
        if case is None or by not in self._names(case, user):
            by = user
        if self._cases.take(key, by):
            self._site.note(request, "take case", f"{key.removeprefix('confirmed/')} by {by}")
            self._taken()
        return RedirectResponse("/told", 303)

    def _names(self, case: Case, user: str) -> list[str]:
        on_duty = self._notices.on_duty(case.fever.campus, case.fever.gate)
        return [user, *sorted(set(on_duty) - {user})]

    def _places(self, half: int, case: Case) -> str:
        """Campus, gate and kiosk of a case in one of `LANGUAGES`."""
        return " · ".join(name[half] for name in self._cases.places(case.fever))
