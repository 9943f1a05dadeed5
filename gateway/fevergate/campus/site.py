"""Parts that all pages of the campus server share: names, clock and reports."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from fevergate.campus.account_store import AccountStore
from fevergate.campus.given_names import CampusNames, read_names
from fevergate.campus.marks import campus_of
from fevergate.campus.report_sheet import ReportText
from fevergate.campus.report_versions import Reports
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.settings.names import Names
from fevergate.texts.refusal_text import refused_because
from fevergate.texts.translations import LANGUAGES, N_, translator
from fevergate.web_common.accounts import Accounts, Session
from fevergate.web_common.middleware import ROLL
from fevergate.web_common.page_maker import Site

PLACE_DAYS = 7
"""Number of days whose reports supply the places offered for a search."""


class CampusSite(Site):
    """The shared parts of the campus server's pages."""

    role_names = MappingProxyType(
        {
            "guard": N_("May look"),
            "administrator": N_("May sign, and let people in"),
            "tutor": N_("Tutor"),
        }
    )

    def __init__(
        self,
        settings: CampusSettings,
        people: AccountStore,
        store: CampusStore,
        reports: Reports,
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        super().__init__(
            settings.zone,
            settings.language,
            ["fevergate.campus", "fevergate.web_common"],
            lambda language, say: {
                "text": self.text(language),
                "refused_because": partial(refused_because, say=say),
                "campus_title": partial(self.campus_title, language),
            },
        )
        self.audited = people
        self.reports = reports
        self._now = now
        self.accounts = Accounts(people, now)

    def home(self, session: Session) -> str:
        return ROLL if session.role == "tutor" else "/reports"

    def always(self) -> dict[str, Any]:
        title, title_en = self._settings.title, self._settings.title_en
        return {
            "clock_doubted": not self._store.believed(),
            "institution": title,
            "institution_en": title_en or title,
            "today": self._today(),
            "has_list": self.has_list(),
        }

    def has_list(self) -> bool:
        """Whether a list of people is kept here."""
        return bool(self.audited.query("select 1 from people_list"))

    def named(self, language: str) -> CampusNames:
        """The names of all gates and kiosks in a language."""
        return read_names(self._store.database, language)

    def text(self, language: str) -> ReportText:
        """The writer of reports in a language."""
        names = partial(self.named, language)
        return ReportText(self._settings.zone, language, translator(language), names)

    def institution(self, language: str) -> str:
        """The institution's name in a language."""
        title, title_en = self._settings.title, self._settings.title_en
        return (title_en or title) if language == "en" else title

    def campus_title(self, language: str, campus: str) -> str:
        """A campus's name in a language."""
        return self._settings.titles(campus)[LANGUAGES.index(language)]

    def listed_campus(self, language: str, campus: str) -> str:
        """The name, in a language, of a campus given as in the list of people."""
        name = campus_of(self._settings, campus)
        if not name:
            return translator(language)("People of no campus")
        return self.campus_title(language, name)

    def campuses(self, language: str) -> dict[str, str]:
        """Titles of the campuses in the settings or, without any, of those that sent names."""
        ids = self._settings.campuses or self.named(language)
        return {campus: self.campus_title(language, campus) for campus in sorted(ids)}

    def places(self, language: str) -> list[tuple[str, str]]:
        """Campuses, gates and kiosks in the last days' reports, each as (search value, name)."""
        today = self.today()
        latest = self.reports.latest(str(today - timedelta(days=PLACE_DAYS)), str(today))
        names, places = self.named(language), dict[str, str]()
        for report in [report for report, _ in latest] or [self.reports.now(str(today))]:
            for campus in report.campuses:
                title, of_campus = self.campus_title(language, campus.campus), campus.campus
                places[of_campus] = title
                campus_names = names.get(of_campus, Names())
                for kiosk in campus.kiosks:
                    gate = f"{title} · {campus_names.gate(kiosk.gate)}"
                    places[f"{of_campus}/{kiosk.gate}"] = gate
                    place = f"{of_campus}/{kiosk.gate}/{kiosk.kiosk}"
                    places[place] = f"{gate} · {campus_names.kiosk(kiosk.kiosk)}"
        return sorted(places.items())

    def today(self) -> date:
        """The local date."""
        return datetime.fromtimestamp(self._now(), self._settings.zone).date()

    def _today(self) -> str:
        return self.today().isoformat()
