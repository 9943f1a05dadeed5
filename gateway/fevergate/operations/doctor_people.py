"""Check of the list of people at a gateway: how many people it has and how old the copy is."""

import time
from collections.abc import Iterator

from fevergate.command_line.finding import Finding, failed, ok, warning
from fevergate.people.store import DATABASE
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import read_rows

OLD_S = 3600.0
"""A copy that the campus server has not confirmed for this long is old; the gateway asks each
minute."""


def people(settings: GatewaySettings) -> Iterator[Finding]:
    """How many people are on the list, and whether the copy of the campus server's list is recent;
    no finding if there is no list."""
    rows = read_rows(settings.path(DATABASE), _SELECT, time.time())
    if not rows:
        return
    count, heard_at = rows[0]["people"], rows[0]["heard_at"]
    if settings.keeps_list:
        yield ok("people", "{count} people on this gateway's own list", count=count)
    elif heard_at is None:
        yield failed(
            "people",
            "{count} people on a list of this gateway's own, beside a campus server",
            "import the list at the campus server: it replaces this one",
            count=count,
        )
    elif (hours := (time.time() - heard_at) / 3600) * 3600 > OLD_S:
        yield warning(
            "people",
            "{count} people; the campus server last confirmed the list {hours:.0f} h ago",
            "who came or left since is not known here: see campus above",
            count=count,
            hours=hours,
        )
    else:
        yield ok("people", "{count} people, as the campus server has them", count=count)


_SELECT = """
    select heard_at,
        (select count(*) from people where until is null or until > ?) as people
    from people_list"""
