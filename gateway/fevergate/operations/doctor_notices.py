"""The checks of whom the gateway itself tells of a confirmed fever."""

from collections.abc import Iterator

from fevergate.command_line.finding import Finding, failed, ok
from fevergate.errors import NoticeError, SettingsError
from fevergate.notices.mail import Email
from fevergate.settings.gateway import GatewaySettings


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
