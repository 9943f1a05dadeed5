"""Texts of the notices, in Chinese and English. They name no person, because they leave the campus.
Every subject contains FeverGate, so that mail rules and the keyword of a group's robot match it."""

from fevergate.texts.translations import N_, Pair, both
from fevergate.texts.word_tables import LABELS

TEXTS = {
    # key: (subject, body)
    "fever": (
        N_("FeverGate: fever not acknowledged at {place}, gate {gate}"),
        N_(
            "{place}, gate {gate}, kiosk {kiosk}: fever at {at}{celsius}, acknowledged by"
            " nobody as of {now}.\n"
            "Go there now, measure again with a clinical thermometer, and acknowledge it on"
            " the guard's board."
        ),
    ),
    "fevers": (
        N_("FeverGate: {count} fever(s) reported late by {place}"),
        N_(
            "{place}: {count} fever(s) of {first} to {last}, over a day old, acknowledged by"
            " nobody as of {now}.\n"
            "Go through them in the fever log and enter what became of each."
        ),
    ),
    "confirmed": (
        N_("FeverGate: confirmed fever at {place}, gate {gate}"),
        N_(
            "{place}, gate {gate}, kiosk {kiosk}: {what}, entered at {at}.\n"
            "Act now. Sign in to the pages and press “I will handle it” under “Notices sent”:"
            " until somebody does, this notice is repeated and goes to the next level, too."
        ),
    ),
    "confirmed again": (
        N_("FeverGate: nobody is in charge yet: confirmed fever at {place}, gate {gate}"),
        N_(
            "{place}, gate {gate}, kiosk {kiosk}: {what}, entered at {at}. Notices have been"
            " sent since {since}; nobody is in charge yet.\n"
            "Act now. Sign in to the pages and press “I will handle it” under “Notices sent”:"
            " until somebody does, this notice is repeated and goes to the next level, too."
        ),
    ),
    "corrected": (
        N_("FeverGate: corrected, no confirmed fever at {place}, gate {gate}"),
        N_(
            "{place}, gate {gate}, kiosk {kiosk}: the notice of {since} said: {what}. That entry"
            " was corrected at the gate. Nothing more needs to be done."
        ),
    ),
    "confirmed by hand": (
        N_("FeverGate: fever measured by hand at {place}, unit {unit}"),
        N_(
            "{place}, unit {unit}: {what}, entered at {at} on the page “Measured and not"
            " measured”.\n"
            "Act now. Sign in to the pages and press “I will handle it” under “Notices sent”:"
            " until somebody does, this notice is repeated and goes to the next level, too."
        ),
    ),
    "confirmed again by hand": (
        N_("FeverGate: nobody is in charge yet: fever measured by hand at {place}, unit {unit}"),
        N_(
            "{place}, unit {unit}: {what}, entered at {at}. Notices have been sent since"
            " {since}; nobody is in charge yet.\n"
            "Act now. Sign in to the pages and press “I will handle it” under “Notices sent”:"
            " until somebody does, this notice is repeated and goes to the next level, too."
        ),
    ),
    "corrected by hand": (
        N_("FeverGate: corrected, no fever by hand at {place}, unit {unit}"),
        N_(
            "{place}, unit {unit}: the notice of {since} said: {what}. That entry was taken"
            " back. Nothing more needs to be done."
        ),
    ),
    "unmeasured": (
        N_("FeverGate: {unmeasured} not measured at {place}"),
        N_(
            "{place}, {date}: of {expected} who are expected, {measured} are measured, {excused}"
            " excused, {unmeasured} not measured as of {now}.\n"
            "Sign in to the pages: they are listed by unit. Measure them or enter why they are"
            " excused; without that there is no report of zero."
        ),
    ),
    "inside": (
        N_("FeverGate: {count} still open at closing time at {place}, gate {gate}: {register}"),
        N_(
            "{place}, gate {gate}, register {register}: {count} still open at closing time,"
            " {closing}.\n"
            "See who has not left. Sign in to the pages and close the entries of those who have."
        ),
    ),
    "inside a campus": (
        N_("FeverGate: {count} still open at closing time at {gate}: {register}"),
        N_(
            "{place}, {gate}, register {register}: {count} still open at closing time, {closing}.\n"
            "See who has not left. Sign in to the pages and close the entries of those who have."
        ),
    ),
    "silent": (
        N_("FeverGate: gateway silent, {place}, {gateway}"),
        N_(
            "Gateway {gateway} of {place} was last heard at {at}.\n"
            "The red lights at its gates work without us; check its power, network and clock"
            " (fevergate doctor)."
        ),
    ),
    "untaken": (
        N_("FeverGate: gateway's data refused, {place}, {gateway}"),
        N_(
            "Gateway {gateway} of {place} sends data, last at {at}, but the campus server"
            " refuses it; the gateway keeps it.\n"
            "Sign in to the campus server: “Gateways and messages” says why."
        ),
    ),
    "never": (
        N_("FeverGate: gateway never heard, {place}, {gateway}"),
        N_(
            "Gateway {gateway} of {place} was never heard, as of {now}.\n"
            "Check [campus_server] in its gateway.toml, and its token (fevergate doctor)."
        ),
    ),
    "heard": (
        N_("FeverGate: gateway heard again, {place}, {gateway}"),
        N_(
            "Gateway {gateway} of {place} is heard again, last at {at}. Nothing more is to be done."
        ),
    ),
    "remind": (
        N_("FeverGate: daily report of {date} is due"),
        N_(
            "The report of {date} is due at {deadline}. As of {now}: {state}.\n"
            "Sign in to the campus server and complete it."
        ),
    ),
    "late": (
        N_("FeverGate: daily report of {date} is late"),
        N_(
            "The report of {date} was due at {deadline}. As of {now}: {state}.\n"
            "Sign in to the campus server and complete it now."
        ),
    ),
}


def texts(key: str, **fields: object) -> tuple[Pair, Pair]:
    """Subject and body; a field may itself be a text in both languages."""
    subject, body = TEXTS[key]
    return both(subject, **fields), both(body, **fields)


def celsius(body_c: float | None) -> Pair:
    """A temperature in parentheses; empty for None."""
    return ("", "") if body_c is None else both(" ({body_c:.1f} °C)", body_c=body_c)


def second_look(clinical_c: float | None, clinical_site: str, outcome: str) -> Pair:
    """The result of a follow-up: temperature, site of measurement and outcome."""
    parts = []
    if clinical_c is not None:
        parts.append(both("second measurement {clinical_c:.1f} °C", clinical_c=clinical_c))
    if clinical_site:
        parts.append(both(LABELS[clinical_site]))
    if outcome:
        parts.append(both(LABELS[outcome]))
    return _joined(both(", "), parts or [both("a fever")])


def report_state(missing: list[Pair], *, signed: bool) -> Pair:
    """The steps that an unsubmitted report still lacks."""
    parts = []
    if missing:
        parts.append(both("missing: {places}", places=_joined(both(", "), missing)))
    if not signed:
        parts.append(both("not signed"))
    return _joined(both("; "), [*parts, both("not submitted")])


def _joined(between: Pair, texts: list[Pair]) -> Pair:
    return between[0].join(zh for zh, _ in texts), between[1].join(en for _, en in texts)
