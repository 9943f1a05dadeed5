"""The checks of whom the gateway itself tells of a confirmed fever."""

from collections.abc import Iterator
from contextlib import closing

from fevergate.command_line.finding import Finding, failed, ok, warning
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import NoticeError, SettingsError
from fevergate.notices.mail import Email
from fevergate.registers.declarations import load_registers
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.settings.gateway import GatewaySettings
from fevergate.web_common.store import WebStore


def notices(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether anybody is told, and whether the mail server lets us in."""
    if not settings.contacts:
        if settings.campus_server:
            yield ok("notices", "no contact is set: the campus server tells its own")
        else:
            yield ok("notices", "no contact is set: nobody is told of a confirmed fever")
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
            error=error,
        )
    else:
        yield ok("notices", "the mail server {host} takes mail", host=settings.smtp.host)


def _on_duty(settings: GatewaySettings) -> Iterator[Finding]:
    """Contacts who are told only while on duty, and are on no duty list."""
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
