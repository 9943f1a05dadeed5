"""A day's report as sentences and tables, for the page and the exported files."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from fevergate.campus.report import CampusDay, DayReport, Figures, StruckRows
from fevergate.campus.report_versions import Version
from fevergate.reports.day_in_words import local, struck_in_words
from fevergate.reports.tree_diff import Difference
from fevergate.texts.translations import N_
from fevergate.web_common.tables import (
    FIELDS,
    Cell,
    Say,
    Sheet,
    Table,
    difference_in_words,
    label_of,
)

STATES = {
    "reported": N_("reported"),
    "partial": N_("in part"),
    "uncovered": N_("nobody watched"),
    "missing": N_("MISSING"),
}
FIGURES = (
    *(N_("People screened"), N_("Fevers"), N_("Confirmed"), N_("Released")),
    *(N_("Outstanding"), N_("Retries"), N_("Minutes watched"), N_("Minutes faulty")),
    N_("Minutes told late"),
)
FEVERS = (
    *(N_("Time"), N_("Campus"), N_("Gate"), N_("Kiosk"), N_("Record")),
    *(N_("Body °C (axillary equivalent)"), N_("Threshold °C"), N_("Acknowledged after (s)")),
    *(N_("Second measurement °C"), N_("Where measured"), N_("Outcome"), N_("Closed")),
)
PARTS = FIELDS | {
    "total": N_("Together"),
    "state": N_("State"),
    "silent": N_("Gateway"),
    "contradictions": N_("Contradiction"),
    "rows_struck": N_("Replaced token"),
    "token": N_("Token"),
    "since": N_("Since"),
    "stated": N_("Stated"),
    "held": N_("Held"),
}
"""Displayed names of the parts of a difference's path."""

TABLES = ("campuses", "gates", "kiosks", "fevers")


def verdict(report: DayReport, say: Say) -> tuple[str, str]:
    """Colour (`red`, `green` or `amber`) and sentence of a report. Zero fevers are stated only
    by a complete report."""
    total = report.total
    if report.zero:
        return "green", say(
            "Report of zero: all %(campuses)d campuses reported, %(people)d people, no fever."
        ) % {"campuses": len(report.campuses), "people": total.screened}
    text = say(
        "Fevers: %(fevers)d; confirmed %(confirmed)d, released %(released)d,"
        " outstanding %(outstanding)d; %(people)d people screened."
    ) % {
        "fevers": total.fevers,
        "confirmed": total.confirmed,
        "released": total.released,
        "outstanding": total.outstanding,
        "people": total.screened,
    }
    if report.complete:
        return "red", text
    return ("red" if total.fevers else "amber"), text + " " + say("Not complete: see below.")


def gaps(report: DayReport, language: str, say: Say) -> list[str]:
    """Sentences on campuses that are missing, partial or uncovered, and on contradictions."""
    sentences = {
        "missing": N_("Missing, no figures: %s."),
        "partial": N_("Not all said, figures so far: %s."),
        "uncovered": N_("Nobody watched, no report of zero: %s."),
    }
    found = []
    for state, sentence in sentences.items():
        names = [title(one, language) for one in report.campuses if one.state == state]
        if names:
            found.append(say(sentence) % ", ".join(names))
    found += [
        say("%(campus)s, %(kiosk)s: stated %(stated)d people, its hours have %(held)d.")
        % {
            "campus": title(campus, language),
            "kiosk": one.kiosk,
            "stated": one.stated,
            "held": one.held,
        }
        for campus in report.campuses
        for one in campus.contradictions
    ]
    return found


def struck(report: DayReport, language: str, zone: ZoneInfo, say: Say) -> list[str]:
    """One sentence per strike of the day, at a gateway or here, including those taken back."""
    return [
        f"{title(campus, language)}: {text}"
        for campus in report.campuses
        for text in (
            *(struck_in_words(one, one.kiosk, zone, say) for one in campus.struck),
            *(_rows_in_words(one, zone, say) for one in campus.rows_struck),
        )
    ]


def _rows_in_words(one: StruckRows, zone: ZoneInfo, say: Say) -> str:
    """Sentence on struck rows of a replaced token, or on taking that back: by whom and why."""
    times = {name: getattr(one, name) for name in ("since", "at", "undone_at")}
    names = msgspec.structs.asdict(one) | {
        name: local(at, zone, "%Y-%m-%d %H:%M") for name, at in times.items()
    }
    names["token"] = one.token[:8]
    if one.undone_at is None:
        text = say(
            "Struck, in no figure: what came since %(since)s by the replaced token %(token)s of"
            " %(gateway)s, %(people)d people, %(fevers)d fevers; by %(by)s at %(at)s: %(reason)s."
        )
    else:
        text = say(
            "Counts again: what came since %(since)s by the replaced token %(token)s of"
            " %(gateway)s, struck by %(by)s at %(at)s (%(reason)s), taken back by %(undone_by)s at"
            " %(undone_at)s: %(undone_reason)s."
        )
    return text % names


def title(campus: CampusDay, language: str) -> str:
    return campus.title_en if language == "en" else campus.title


def institution(report: DayReport, language: str) -> str:
    """Name of the reporting institution in a language."""
    return (report.title_en if language == "en" else "") or report.title


def sheet(
    report: DayReport, versions: Sequence[Version], zone: ZoneInfo, language: str, say: Say
) -> Sheet:
    """The whole document of the version `versions[0]`."""
    shown = versions[0]
    head = say("Daily report of fever screening") + (
        " " + say("(report of zero)") if report.zero else ""
    )
    return Sheet(
        title=f"{institution(report, language)} {head} {report.date}".strip(),
        state=verdict(report, say)[0],
        verdict=verdict(report, say)[1],
        lines=[
            *gaps(report, language, say),
            *struck(report, language, zone, say),
            say("Version %(version)d of %(at)s. Times are those of %(zone)s.")
            % {
                "version": shown.version,
                "at": local(shown.made_at, zone),
                "zone": report.timezone,
            },
            say("It screens and does not diagnose."),
        ],
        tables=[table(name, report, zone, language, say) for name in TABLES],
        signed=[
            *signatures(shown, zone, say),
            say("Signature: ______________   Date: ______________   (seal)"),
        ],
    )


def table(name: str, report: DayReport, zone: ZoneInfo, language: str, say: Say) -> Table:
    """The table `name`, one of `TABLES`."""
    figures = [say(one) for one in FIGURES]
    if name == "campuses":
        columns = [say("Campus"), say("State"), *figures]
        rows = [
            [title(one, language), say(STATES[one.state]), *_figures(one.figures)]
            for one in report.campuses
        ]
        rows.append([say("Together"), "", *_figures(report.total)])
        return Table(say("By campus"), columns, rows)
    if name == "gates":
        columns = [say("Campus"), say("Gate"), *figures]
        rows = [
            [title(one, language), gate, *_figures(of)]
            for one in report.campuses
            for gate, of in one.gates().items()
        ]
        return Table(say("By gate"), columns, rows)
    if name == "kiosks":
        columns = [say("Campus"), say("Gate"), say("Kiosk"), *figures]
        rows = [
            [title(one, language), kiosk.gate, kiosk.kiosk, *_figures(kiosk.figures)]
            for one in report.campuses
            for kiosk in one.kiosks
        ]
        return Table(say("By kiosk"), columns, rows)
    marked = any(fever.struck for one in report.campuses for fever in one.fevers)
    rows = [
        [
            *(local(fever.at, zone), title(one, language), fever.gate, fever.kiosk),
            *(fever.identity, fever.body_c, fever.threshold_c),
            None if fever.delay_s is None else round(fever.delay_s, 1),
            *(fever.clinical_c, label_of(fever.clinical_site, say), label_of(fever.outcome, say)),
            "✓" if fever.closed else "",
            *(["✕" if fever.struck else ""] if marked else []),
        ]
        for one in report.campuses
        for fever in one.fevers
    ]
    columns = FEVERS + ((N_("Struck"),) if marked else ())
    return Table(say("Fevers"), [say(one) for one in columns], rows)


def signatures(version: Version, zone: ZoneInfo, say: Say) -> list[str]:
    """Lines on who signed and submitted a version, and its hash."""
    lines = [f"SHA-256 {version.sha256}"]
    if not version.genuine:
        lines.append(say("The record of this signature was tampered with."))
    if version.signed_at is None:
        lines.append(say("Not signed."))
    else:
        lines.append(
            say("Signed by %(by)s at %(at)s.")
            % {"by": version.signed_by, "at": local(version.signed_at, zone)}
        )
    if version.submitted_at is None:
        lines.append(say("Not submitted."))
    else:
        lines.append(
            say("Submitted to %(to)s by %(by)s at %(at)s.")
            % {
                "to": version.submitted_to or "-",
                "by": version.submitted_by,
                "at": local(version.submitted_at, zone),
            }
        )
    return lines


def corrections(
    version: Version, report: DayReport, language: str, say: Say
) -> list[tuple[str, str, str]]:
    """Differences of a version to the one before: (what, before, now), for display."""
    titles = {one.campus: title(one, language) for one in report.campuses}
    figures = dict(zip(Figures.__struct_fields__, FIGURES, strict=True))
    found = []
    for one in version.differences:
        way = one.what.split()
        if way[0] == "campuses":
            way = [titles.get(way[1], way[1]), *way[2:]]
        way = [word for word in way if word != "figures"]
        names = PARTS | {way[0]: way[0]} if one.what.startswith("campuses ") else dict(PARTS)
        # Some figures share a name with a branch of the tree.
        if way[-1] in figures:
            names |= {way[-1]: figures[way[-1]]}
        short = Difference(
            what=" ".join(way),
            before=say(STATES.get(one.before, one.before)),
            now=say(STATES.get(one.now, one.now)),
        )
        found.append(difference_in_words(short, names, say))
    return found


def _figures(figures: Figures | None) -> list[Cell]:
    if figures is None:
        return [None] * len(FIGURES)
    return [getattr(figures, name) for name in Figures.__struct_fields__]
