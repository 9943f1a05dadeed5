"""Writes a day's report as sentences and as a whole document, for the page and exported files."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from fevergate.campus.report import CampusDay, DayReport, StruckRows
from fevergate.campus.report_corrections import ReportCorrections
from fevergate.campus.report_tables import STATES, TABLES, names_of
from fevergate.campus.report_versions import Version
from fevergate.people.roll import in_words
from fevergate.reports.day_in_words import local, minute, struck_in_words
from fevergate.texts.translations import N_
from fevergate.web_common.tables import Sheet

GAPS = {
    "missing": N_("Missing, no figures: %s."),
    "partial": N_("Not complete, figures so far: %s."),
    "uncovered": N_("No kiosk watched, no report of zero: %s."),
}
"""Sentence on the campuses in each state."""


class ReportText(ReportCorrections):
    """Writes reports in one language."""

    def verdict(self, report: DayReport) -> tuple[str, str]:
        """Return a report's colour (`red`, `green` or `amber`) and sentence. Only a complete report
        states that there was no fever."""
        say, total = self.say, report.total
        values = {"campuses": len(report.campuses), "people": total.screened}
        listed = f" {in_words(report.roll, say)}" if report.roll else ""
        if report.zero:
            return "green", (
                say(
                    "Report of zero: all %(campuses)d campuses reported, %(people)d people, no"
                    " fever."
                )
                % values
                + listed
            )
        if report.watched and report.unmeasured:
            values["unmeasured"] = report.unmeasured
            return "amber", (
                say(
                    "No fever, but %(unmeasured)d not measured: no report of zero. All"
                    " %(campuses)d campuses reported, %(people)d people."
                )
                % values
                + listed
            )
        text = say(
            "Fevers: %(fevers)d; confirmed %(confirmed)d, released %(released)d,"
            " outstanding %(outstanding)d; %(people)d people screened."
        ) % (msgspec.structs.asdict(total) | {"people": total.screened})
        text += listed
        if report.complete and not report.watched:
            return "red", text
        return ("red" if report.fevers else "amber"), text + " " + say("Not complete: see below.")

    def gaps(self, report: DayReport) -> list[str]:
        """Sentences on campuses that are missing, partial or uncovered, and on contradictions."""
        say, names_by_campus, sentences = self.say, self.names(), []
        for state, sentence in GAPS.items():
            names = [self.title(campus) for campus in report.campuses if campus.state == state]
            if names:
                sentences.append(say(sentence) % say(", ").join(names))
        sentences += [
            say(
                "%(campus)s: gateways that did not report who was measured, so no report of"
                " zero: %(gateways)s."
            )
            % {"campus": self.title(campus), "gateways": say(", ").join(campus.roll_silent)}
            for campus in report.campuses
            if campus.roll_silent
        ]
        sentences += [
            say("%(campus)s: %(count)d more fevers are counted, but not listed.")
            % {"campus": self.title(campus), "count": campus.unlisted}
            for campus in report.campuses
            if campus.unlisted
        ]
        sentences += [
            say("%(campus)s: fevers that were counted without details, not in the list: %(count)d.")
            % {"campus": self.title(campus), "count": campus.unexplained}
            for campus in report.campuses
            if campus.unexplained
        ]
        return sentences + [
            say("%(campus)s, %(kiosk)s: stated %(stated)d people, its hours have %(held)d.")
            % (
                msgspec.structs.asdict(contradiction)
                | {
                    "campus": self.title(campus),
                    "kiosk": names_of(names_by_campus, campus).kiosk(contradiction.kiosk),
                }
            )
            for campus in report.campuses
            for contradiction in campus.contradictions
        ]

    def struck(self, report: DayReport) -> list[str]:
        """A sentence on each strike of the day, made here or at a gateway, including strikes taken
        back."""
        sentences, names_by_campus = [], self.names()
        for campus in report.campuses:
            kiosk = names_of(names_by_campus, campus).kiosk
            words = [struck_in_words(h, kiosk(h.kiosk), self.zone, self.say) for h in campus.struck]
            words += map(self._rows_in_words, campus.rows_struck)
            sentences += [f"{self.title(campus)}: {text}" for text in words]
        return sentences

    def _rows_in_words(self, rows: StruckRows) -> str:
        """Sentence that says who struck a replaced token's rows and why, or who took the strike
        back and why."""
        say = self.say
        values: dict[str, Any] = msgspec.structs.asdict(rows) | {"token": rows.token[:8]}
        for name in ("since", "at", "undone_at"):
            values[name] = minute(values[name], self.zone)
        if rows.undone_at is None:
            text = say(
                "Struck, in no figure: what came since %(since)s by the replaced token %(token)s of"
                " %(gateway)s, %(people)d people, %(fevers)d fevers; by %(by)s at %(at)s:"
                " %(reason)s."
            )
        else:
            text = say(
                "Counts again: what came since %(since)s by the replaced token %(token)s of"
                " %(gateway)s, struck by %(by)s at %(at)s (%(reason)s), taken back by %(undone_by)s"
                " at %(undone_at)s: %(undone_reason)s."
            )
        return text % values

    def state(self, campus: CampusDay) -> str:
        """Displayed name of a campus's state on the day."""
        return self.say(STATES[campus.state])

    def sheet(self, report: DayReport, version: Version, versions: Sequence[Version] = ()) -> Sheet:
        """The whole document of a version; `versions` are all versions of its day."""
        say = self.say
        institution = (report.title_en if self.language == "en" else "") or report.title
        head = say("Daily report of fever screening")
        if report.zero:
            head += " " + say("(report of zero)")
        state, verdict = self.verdict(report)
        about = say("Version %(version)d of %(at)s. Times are those of %(zone)s.") % {
            "version": version.version,
            "at": local(version.made_at, self.zone),
            "zone": report.timezone,
        }
        return Sheet(
            title=f"{institution} {head} {report.date}".strip(),
            state=state,
            verdict=verdict,
            lines=[
                *self.gaps(report),
                *self.struck(report),
                about,
                *self.corrected(version, versions),
                say("It screens and does not diagnose."),
            ],
            tables=[self.table(name, report) for name in TABLES],
            signed=self.signatures(version),
            to_sign=(say("Signature"), say("Date"), say("Seal")),
            day=date.fromisoformat(report.date),
        )

    def signatures(self, version: Version) -> list[str]:
        """Lines on who signed and submitted a version, and its hash."""
        say = self.say
        lines = [f"SHA-256 {version.sha256}"]
        if not version.genuine:
            lines.append(say("The record of this signature was tampered with."))
        signed = {"by": version.signed_by, "at": local(version.signed_at, self.zone)}
        submitted = {
            "to": version.submitted_to,
            "by": version.submitted_by,
            "at": local(version.submitted_at, self.zone),
        }
        was_submitted = say("Submitted by %(by)s at %(at)s.")
        if version.submitted_to:
            was_submitted = say("Submitted to %(to)s by %(by)s at %(at)s.")
        return [
            *lines,
            say("Signed by %(by)s at %(at)s.") % signed if signed["at"] else say("Not signed."),
            was_submitted % submitted if submitted["at"] else say("Not submitted."),
        ]

    def corrected(self, version: Version, versions: Sequence[Version]) -> list[str]:
        """A sentence on the newest submitted version before `version`, if there is one: its
        recipient still has the old figures. `versions` are the newest first."""
        say = self.say
        for earlier in versions:
            if earlier.version >= version.version or earlier.submitted_at is None:
                continue
            sentence = say("Version %(version)d, submitted by %(by)s at %(at)s, was corrected.")
            if earlier.submitted_to:
                sentence = say(
                    "Version %(version)d, submitted to %(to)s by %(by)s at %(at)s, was corrected."
                )
            values = {"version": earlier.version, "to": earlier.submitted_to}
            values |= {"by": earlier.submitted_by, "at": local(earlier.submitted_at, self.zone)}
            return [sentence % values]
        return []
