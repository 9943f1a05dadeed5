"""Sentences on a day's log, the same in the terminal, on the page and in every export."""

from datetime import datetime
from zoneinfo import ZoneInfo

from fevergate.people.roll import in_words
from fevergate.protocol.campus_messages import StruckSpan
from fevergate.reports.fever_log import Day
from fevergate.settings.names import Names
from fevergate.texts.translations import Say
from fevergate.texts.trouble_text import drift_advice

IDS = Names()
"""No names, so that gates and kiosks are called by their ids."""


def verdict(day: Day, say: Say) -> tuple[str, str]:
    """The state of a day (`red`, `green` or `amber`) and its sentence. A day without a fever is a
    report of zero only if kiosks watched, the day is over, and nobody on the list of people is
    unmeasured."""
    if day.count:
        return "red", say("Fevers on this day: {count}.", count=day.count)
    if day.lit:
        return "red", say(
            "Red lights of this day are for fevers dated on another: {count}. No report of zero.",
            count=day.lit,
        )
    if day.roll and day.roll.fevers:
        return "red", say("Fevers measured by hand or at the desk: {count}.", count=day.roll.fevers)
    if day.zero_but_unmeasured and day.roll:
        return "amber", say(
            "No fever, but {count} not measured: no report of zero.", count=day.roll.unmeasured
        )
    if day.zero:
        return "green", say("Report of zero: no fever on this day.")
    if day.clear_until is not None:
        until = local(day.clear_until, ZoneInfo(day.timezone), "%H:%M")
        return "green", say("No fever until {time}; the day is not over.", time=until)
    if day.covered:
        return "red", say("Fevers were counted whose readings are no more here.")
    return "amber", say("No kiosk watched: this is not a report of zero.")


def to_treat(count: int, say: Say) -> list[str]:
    """A sentence on a day's fevers with an open follow-up, if there are any."""
    return [say("To follow up: {count}.", count=count)] if count else []


def roll(day: Day, say: Say) -> list[str]:
    """A sentence on how many people on the list were measured, if there is a list."""
    return [in_words(day.roll, say)] if day.roll else []


def coverage(day: Day, say: Say, names: Names = IDS) -> str:
    """Sentences on which kiosks watched, for how long, and how many people they screened."""
    watched = [kiosk for kiosk in day.kiosks if kiosk.watched_minutes]
    missing = [names.kiosk(kiosk.kiosk) for kiosk in day.kiosks if not kiosk.watched_minutes]
    sentences = [
        say(
            "{watched} of {all} kiosks watched, together {minutes} minutes.",
            watched=len(watched),
            all=len(day.kiosks),
            minutes=sum(kiosk.watched_minutes for kiosk in watched),
        ),
        say(
            "People screened: {people}.",
            people=sum(kiosk.normal + kiosk.fever for kiosk in day.kiosks),
        ),
    ]
    if late := sum(kiosk.late_minutes for kiosk in watched):
        sentences.append(say("Minutes sent late: {minutes}.", minutes=late))
    if missing:
        sentences.append(say("Not watched at all: {kiosks}.", kiosks=", ".join(missing)))
    return " ".join(sentences)


def doubts(day: Day, say: Say, names: Names = IDS) -> list[str]:
    """Sentences on what makes a report of zero prove less: kiosks that read unlike their neighbours
    or saw far fewer people, drifts, and times when the clock was in doubt."""
    zone = ZoneInfo(day.timezone)
    sentences = []
    for kiosk in day.unlike:
        text = say(
            "{kiosk} differs by {difference:+.2f} °C from {others} (limit {limit:.2f};"
            " median {median:.2f} of {people} people, {others_median:.2f} of"
            " {others_people}): check its lens, calibrate.",
            kiosk=names.kiosk(kiosk.kiosk),
            others=", ".join(map(names.kiosk, kiosk.others)),
            difference=kiosk.difference_c,
            limit=kiosk.limit_c,
            people=kiosk.people,
            median=kiosk.median_c,
            others_people=kiosk.others_people,
            others_median=kiosk.others_median_c,
        )
        sentences.append(text + (say(" (or the other one)") if kiosk.alone else ""))
    sentences += [
        say(
            "{kiosk}: everybody read {difference:+.1f} °C off between {begin} and {end}. {advice}",
            kiosk=names.kiosk(kiosk.kiosk),
            difference=kiosk.drift_c,
            begin=local(kiosk.begin, zone),
            end=local(kiosk.end, zone),
            advice=say(drift_advice(kiosk.drift_c)),
        )
        for kiosk in day.drifted
    ]
    sentences += [
        say(
            "{kiosk} saw {people} people, {busiest} {most}: covered, or a closed lane?",
            kiosk=names.kiosk(kiosk.kiosk),
            people=kiosk.people,
            busiest=names.kiosk(kiosk.busiest),
            most=kiosk.busiest_people,
        )
        for kiosk in day.blind
    ]
    sentences += [
        say(
            "The gateway's clock was in doubt from {begin} to {end}.",
            begin=local(doubt.begin, zone),
            end=local(doubt.end, zone),
        )
        for doubt in day.clock
    ]
    return sentences


def strikes(day: Day, say: Say, names: Names = IDS) -> list[str]:
    """Sentences on struck hours, and on those that count again."""
    zone = ZoneInfo(day.timezone)
    return [struck_in_words(strike, names.kiosk(strike.kiosk), zone, say) for strike in day.strikes]


def struck_in_words(span: StruckSpan, kiosk: str, zone: ZoneInfo, say: Say) -> str:
    """A sentence on struck hours: which, what they held, by whom and why they were struck, and if
    they count again."""
    end = local(span.end, zone, "%H:%M")
    names = {
        "kiosk": kiosk,
        "begin": minute(span.begin, zone),
        "end": "24:00" if end == "00:00" else end,
        "people": span.people,
        "fevers": span.fevers,
        "by": span.by,
        "at": minute(span.at, zone),
        "reason": span.reason,
        "undone_by": span.undone_by,
        "undone_at": minute(span.undone_at, zone),
        "undone_reason": span.undone_reason,
    }
    if span.undone_at is None:
        return say(
            "Struck, in no figure: {kiosk} from {begin} to {end}, {people} people,"
            " {fevers} fever(s); by {by} at {at}: {reason}.",
            **names,
        )
    return say(
        "Counts again: {kiosk} from {begin} to {end}, struck by {by} at {at}"
        " ({reason}), taken back by {undone_by} at {undone_at}: {undone_reason}.",
        **names,
    )


def local(at: float | None, zone: ZoneInfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A Unix time (s) as local date and time; empty for None."""
    return "" if at is None else datetime.fromtimestamp(at, zone).strftime(form)


def minute(at: float | None, zone: ZoneInfo) -> str:
    """As `local`, without seconds."""
    return local(at, zone, "%Y-%m-%d %H:%M")
