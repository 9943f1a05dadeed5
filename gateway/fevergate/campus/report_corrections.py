"""Describes what a version of a day's report corrects, with the names of gates and kiosks."""

from fevergate.campus.given_names import CampusNames
from fevergate.campus.report import CampusDay, DayReport, Figures
from fevergate.campus.report_tables import FIGURES, ROLL, STATES, ReportTables
from fevergate.campus.report_versions import Version
from fevergate.reports.tree_diff import Difference
from fevergate.settings.names import Names
from fevergate.texts.translations import N_
from fevergate.web_common.difference_words import difference_in_words
from fevergate.web_common.tables import FIELDS

PARTS = FIELDS | {
    "gateway": N_("Gateway"),
    "title": N_("Name"),
    "title_en": N_("Name"),
    "roll": N_("List of people"),
    "anywhere": N_("People of no campus"),
    "roll_silent": N_("Gateway"),
    "total": N_("Together"),
    "state": N_("State"),
    "silent": N_("Gateway"),
    "figures": N_("Figures"),
    "contradictions": N_("Contradiction"),
    "rows_struck": N_("Replaced token"),
    "token": N_("Token"),
    "since": N_("Since"),
    "stated": N_("Stated"),
    "held": N_("Held"),
    "unlisted": N_("Not listed"),
}
"""Displayed names of the parts of a difference's path."""

VALUES = STATES | {"silent": N_("silent")}
"""Displayed names of a difference's values."""

_FIGURES = dict(zip(Figures.__struct_fields__, FIGURES, strict=True))
_SILENT = ("silent", "roll_silent")
_BY_GATEWAY = ("kiosks", "fevers", "struck", "contradictions")
"""Branches of a campus whose keys begin with GATEWAY/KIOSK."""


class ReportCorrections(ReportTables):
    """Describes corrections of reports in one language."""

    def corrections(self, version: Version, report: DayReport) -> list[tuple[str, str, str]]:
        """Differences from the previous version as (what, before, now), for display."""
        campuses = {campus.campus: campus for campus in report.campuses}
        names_by_campus = self.names()
        return [
            self._correction(difference, campuses, names_by_campus)
            for difference in version.differences
        ]

    def _correction(
        self, difference: Difference, campuses: dict[str, CampusDay], names_by_campus: CampusNames
    ) -> tuple[str, str, str]:
        titles, path, names = dict(PARTS), difference.what.split(), Names()
        if path[0] == "campuses":
            campus = campuses.get(path[1])
            names = names_by_campus.get(path[1], names)
            # The key must be one word and not in `PARTS`; a campus's title may be several words.
            key = f"campuses/{path[1]}"
            titles[key] = self.title(campus) if campus else path[1]
            path = [key, *_without_gateway(path[2:], campus)]
        values = [
            self.say(VALUES.get(value, value)) for value in (difference.before, difference.now)
        ]
        if set(_SILENT) & set(path):  # a gateway that is no longer silent has reported
            values = [self.say(STATES["reported"]) if value == "-" else value for value in values]
        path = [*(word for word in path[:-1] if word != "figures"), path[-1]]
        # Some figures share a name with a branch of the tree.
        titles_of = ROLL if {"roll", "anywhere"} & set(path) else _FIGURES
        if path[-1] in titles_of:
            titles[path[-1]] = titles_of[path[-1]]
        short = Difference(" ".join(path), *values)
        return difference_in_words(short, titles, names, self.zone, self.say)


def _without_gateway(path: list[str], campus: CampusDay | None) -> list[str]:
    """Replace GATEWAY/KIOSK in a path by the kiosk. The gateway follows as a word of its own if
    several kiosks of the campus have this name."""
    if len(path) < 2 or path[0] not in _BY_GATEWAY:
        return path
    gateway, _, key = path[1].partition("/")
    kiosk = key.partition("/")[0]
    alike = [row for row in campus.kiosks if row.kiosk == kiosk] if campus else []
    return [path[0], key, *([gateway] if len(alike) > 1 else []), *path[2:]]
