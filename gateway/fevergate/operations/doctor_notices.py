"""Checks of the notices by which the gateway itself tells people of a confirmed fever."""

import time
from collections.abc import Iterator
from contextlib import closing

from fevergate.command_line.finding import Finding, failed, ok, warning
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import NoticeError, SettingsError
from fevergate.notices.mail import Email
from fevergate.people.marks import FEVER_C
from fevergate.people.store import DATABASE
from fevergate.registers.declarations import load_registers
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.reports.confirmation import needs_notice
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import read_rows
from fevergate.texts.network_text import connection_error
from fevergate.web_common.store import WebStore
from fevergate.web_common.told_cases import OPEN_S


def notices(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether anybody is told, and whether the mail server accepts our sign-in."""
    receivers = [
        contact
        for contact in settings.contacts
        if "confirmed" in contact.kinds
        and settings.campus in (contact.campuses or [settings.campus])
    ]
    if not receivers and not settings.campus_server:
        yield warning(
            "notices",
            "no contact is set: nobody is notified of a confirmed fever",
            "add [[contacts]] to gateway.toml (gateway/running.md, “Who is told”)",
        )
        if count := _untold(settings):
            yield warning(
                "notices",
                "{count} confirmed fever(s) of the last day: nobody was notified",
                "notify those named in the school's plan; see the fever log and"
                " “Measured and not measured”",
                count=count,
            )
    if not settings.contacts:
        if settings.campus_server:
            yield ok("notices", "no contact is set: the campus server notifies its own")
        return
    names = ", ".join(dict.fromkeys(contact.name for contact in settings.contacts))
    count = len(settings.contacts)
    yield ok("notices", "{count} contact(s): {names}", count=count, names=names)
    yield from _on_duty(settings)
    if settings.smtp is None:
        return
    try:
        Email(settings).check()
    except (NoticeError, SettingsError) as error:
        yield failed(
            "notices",
            "the mail server {host} cannot be used: {error}",
            "see [smtp] in gateway.toml: nobody gets mail until then",
            host=settings.smtp.host,
            error=connection_error(error),
        )
    else:
        yield ok("notices", "the mail server {host} takes mail", host=settings.smtp.host)


def _untold(settings: GatewaySettings) -> int:
    """How many fevers were confirmed within a day, by a follow-up or by hand."""
    since = time.time() - OPEN_S
    rows = read_rows(settings.path(settings.web.database), _FOLLOW_UPS, since)
    hand = read_rows(settings.path(DATABASE), _BY_HAND, FEVER_C, since)
    return sum(needs_notice(**row) for row in rows) + sum(row["fevers"] for row in hand)


_FOLLOW_UPS = "select clinical_c, clinical_site, outcome from follow_ups where at > ?"
_BY_HAND = "select count(*) as fevers from marks where clinical_c >= ? and at > ?"


def _on_duty(settings: GatewaySettings) -> Iterator[Finding]:
    """A warning about contacts who are told only while on duty, but are on no duty list."""
    bound = {contact.name for contact in settings.contacts if contact.on_duty}
    path, key = settings.path(settings.web.database), settings.path(KEY)
    if not bound or not path.exists() or not key.exists():
        return
    with closing(WebStore(path)) as store:
        entries = Entries(store, Vault(key), load_registers(settings.folder))
        listed = {shift.name for shift in Duty(entries, tuple).everybody()}
    if missing := sorted(bound - listed):
        yield warning(
            "notices",
            "told only while on duty, and on no duty list: {names}",
            "write the contact's name as the duty list has it, or enter the shifts",
            names=", ".join(missing),
        )
