"""Real mail and web servers to which notices are sent, and a clock that tests set."""

import json
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from samples import AT

from fevergate.campus.settings import Campus, CampusSettings
from fevergate.notices.notice import Notice
from fevergate.settings.contacts import Contact, Smtp
from harness.broker import free_port

SENDER = "fevergate@example.edu.cn"


class Clock:
    def __init__(self, at: float = AT) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def contact(name: str = "Chen", channel: Any = "webhook", **fields: Any) -> Contact:
    default = f"https://example.edu.cn/hook/{name}"
    address = f"{name}@example.edu.cn" if channel == "email" else default
    return Contact(**({"name": name, "channel": channel, "address": address} | fields))


def campus_settings(*contacts: Contact, **fields: Any) -> CampusSettings:
    values: dict[str, Any] = {
        "tokens": {"gw-east": "a" * 64, "gw-west": "b" * 64},
        "campuses": {
            "east": Campus(title="东校区", title_en="East campus", gateways=["gw-east"]),
            "west": Campus(title="西校区", title_en="West campus", gateways=["gw-west"]),
        },
        "contacts": list(contacts),
    }
    return CampusSettings(**(values | fields))


def notice(**fields: Any) -> Notice:
    values: dict[str, Any] = {
        "id": 1,
        "key": "fever/east/north-1/1/7",
        "kind": "fever",
        "campus": "east",
        "contact": "Chen",
        "channel": "email",
        "address": "chen@example.edu.cn",
        "subject": "FeverGate 发热未确认：东校区，校门 north",
        "body": "东校区，校门 north：37.9 °C\n请立即到场。",
        "made_at": AT,
        "attempts": 1,
        "error": "",
    }
    return Notice(**(values | fields))


class MailServer:
    """A mail server (aiosmtpd) that is its own handler. It answers a command in `refuse` with the
    text given there, and keeps the mails that it accepts."""

    def __init__(self, **parameters: Any) -> None:
        self.mails: list[EmailMessage] = []
        self.tried = 0
        self.refuse: dict[str, str] = {}
        self.hang_up_at = ""
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **parameters)

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def smtp(self, **fields: Any) -> Smtp:
        values: dict[str, Any] = {"security": "none"}
        return Smtp(host="127.0.0.1", port=self.port, sender=SENDER, **(values | fields))

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802
        self.tried += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.refuse.get("MAIL", "250 OK")

    async def handle_RCPT(self, _server, _session, envelope, address, options):  # noqa: N802
        if "RCPT" not in self.refuse:
            envelope.rcpt_tos.append(address)
        return self.refuse.get("RCPT", "250 OK")

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        if self.hang_up_at == "DATA":
            server.transport.abort()
        if "DATA" not in self.refuse and self.hang_up_at != "DATA":
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.refuse.get("DATA", "250 OK")

    async def handle_QUIT(self, server, _session, _envelope):  # noqa: N802
        if self.hang_up_at == "QUIT":
            server.transport.abort()
        return "221 Bye"


class WebServer:
    """A web server that keeps all that is posted to it; `answer` sends the response and may be
    slow."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.posted: list[tuple[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda to: reply(to, 200, b"{}")
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.posted.append((self.path, json.loads(body)))
                web.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda request, client_address: None  # the client may be gone
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"{'https' if context else 'http'}://{self.host}"

    def __enter__(self) -> "WebServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def keys(self) -> list[str]:
        return [content["key"] for _, content in self.posted]


def reply(to: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name, value)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def server_context(folder: Path) -> ssl.SSLContext:
    """TLS context with the server certificate in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context
