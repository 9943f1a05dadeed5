"""Translates the campus server's reason, in English, for refusing a gateway's delivery."""

import re
from functools import cache

from fevergate.texts.translations import N_, Say

REASONS = (
    N_("not JSON: {why}"),
    N_("Object missing required field {field}"),
    N_("Object contains unknown field {field}"),
    N_("Invalid value {value}"),
    N_("Expected {what}, got {given}"),
    N_("Expected {what} of length {bound}"),
    N_("Expected {what} matching regex {pattern}"),
    N_("Expected {what}"),
    N_("this token belongs to {gateway}"),
    N_("{gateway} is in no [campuses.NAME] gateways"),
    N_("{gateway} belongs to campus {campus}"),
    N_(
        "{gateway} was heard from {count} campuses, expected at most {most}; name it in"
        " [campuses.NAME] gateways"
    ),
    N_("expected a day as YYYY-MM-DD"),
    N_("this hour is before {time}; look at the gateway's clock"),
    N_("this day is before {time}; look at the gateway's clock"),
    N_(
        "this day is not over yet: it is {now} here, and expected are {hours} h ahead at most; look"
        " at the gateway's clock"
    ),
    N_(
        "this hour has not begun yet: it is {now} here, and expected are {hours} h ahead at most;"
        " look at the gateway's clock"
    ),
    N_(
        "this day has not begun yet: it is {now} here, and expected are {hours} h ahead at most;"
        " look at the gateway's clock"
    ),
    N_("fevers of {kiosk} on {date}: expected at most {most}"),
    N_("rows of {date}: expected at most {most}"),
    N_("kiosks on {date}: expected at most {most}"),
    N_("new kiosks with fevers: expected at most {most} a day"),
    N_(
        "{gateway} has sent more than {count} new rows; expected {rate} per second at most; the"
        " others are taken later"
    ),
)
"""Reasons of `campus.receiver`, `campus.delivery_bounds` and `campus.new_kiosks`; reasons that
begin with capitals are msgspec's. The first that fits is taken."""


def refused_because(reason: str, say: Say) -> str:
    """Why a delivery was refused; a reason that is not in `REASONS` stays as it is."""
    for words in REASONS:
        if match := _pattern(words).fullmatch(reason):
            return say(words, **match.groupdict())
    return reason


@cache
def _pattern(words: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", words)
    holes = [
        f"(?P<{part}>.+)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    ]
    return re.compile("".join(holes), re.DOTALL)
