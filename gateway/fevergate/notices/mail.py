"""Sends notices by e-mail over SMTP. TLS is verified; a repeated notice has the same Message-ID."""

import base64
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from fevergate.errors import NoticeError
from fevergate.notices.notice import Notice
from fevergate.settings.contacts import NoticeSettings, Smtp
from fevergate.settings.settings_file import read_secret

TIMEOUT_S = 10.0
"""Longest wait for each answer of the server."""


class Email:
    """Channel through the mail server of `[smtp]`."""

    def __init__(self, settings: NoticeSettings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> None:
        """Hand the notice to the mail server. Raises `NoticeError`, or `SettingsError` if the
        password file cannot be read."""
        with self._server() as (smtp, server):
            message = email_of(notice, smtp.sender, self._settings.zone)
            server.send_message(message, smtp.sender, [notice.address])

    def check(self) -> None:
        """Sign in to the mail server without sending anything. Raises what `send` raises."""
        with self._server() as (_, server):
            server.noop()

    @contextmanager
    def _server(self) -> Iterator[tuple[Smtp, smtplib.SMTP]]:
        smtp = self._settings.smtp
        if smtp is None:
            raise NoticeError("there is no [smtp] in the settings any more", away=True)
        password = read_secret(self._settings.path(smtp.password_file)) if smtp.username else ""
        try:
            with _connected(smtp, self._context(smtp), password) as server:
                yield smtp, server
        except (smtplib.SMTPException, OSError, ValueError) as error:
            reason, away = _reason(error)
            raise NoticeError(_without(reason, password), away=away) from None

    def _context(self, smtp: Smtp) -> ssl.SSLContext:
        ca = str(self._settings.path(smtp.ca)) if smtp.ca else None
        try:
            return ssl.create_default_context(cafile=ca)
        except (OSError, ssl.SSLError) as error:
            reason = f"{ca}: expected a PEM certificate of the authority: {error}"
            raise NoticeError(reason, away=True) from error


def email_of(notice: Notice, sender: str, zone: ZoneInfo) -> EmailMessage:
    """The e-mail of a notice; a repeated notice has the same Message-ID, so it can be recognised.

    Raises `NoticeError` for an invalid address. RFC 5322, RFC 3834.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address("FeverGate", addr_spec=sender)
        message["To"] = Address(addr_spec=notice.address)
    except Exception as error:  # the parser raises many kinds of errors
        raise NoticeError(f"expected an e-mail address: {notice.address!r}") from error
    message["Subject"] = " ".join(notice.subject.split())  # a line break would begin a header
    message["Date"] = format_datetime(datetime.fromtimestamp(notice.made_at, zone))
    digest = hashlib.sha256(f"{notice.key}\n{notice.address}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.body, charset="utf-8")
    return message


@contextmanager
def _connected(smtp: Smtp, context: ssl.SSLContext, password: str) -> Iterator[smtplib.SMTP]:
    """A connection to the mail server after signing in."""
    if smtp.security == "tls":
        server = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_S)
    try:
        if smtp.security == "starttls":
            server.starttls(context=context)
        if smtp.username:
            server.login(smtp.username, password)
        yield server
        # The message is accepted; an error on QUIT does not change that.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _reason(error: Exception) -> tuple[str, bool]:
    """The reason for a failure, and whether it affects every message and not only this one."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            return _reply(code, text), code == 421
        case smtplib.SMTPResponseException():
            permanent = isinstance(error, smtplib.SMTPDataError) and error.smtp_code != 421
            return _reply(error.smtp_code, error.smtp_error), not permanent
        case smtplib.SMTPNotSupportedError():
            return str(error), "UTF8" not in str(error)
        case ValueError() if not isinstance(error, OSError):  # certificate errors are both
            return str(error), False
        case _:
            return str(error) or type(error).__name__, True


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _without(text: str, password: str) -> str:
    for secret in (password, base64.b64encode(password.encode()).decode()):
        text = text.replace(secret, "…") if secret else text
    return text
