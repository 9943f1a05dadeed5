"""Channels that send a notice to a contact, behind one small interface.

All channels but e-mail post JSON to a URL. With most services anyone who knows the URL can post, so
logs and errors name only its host. No redirect is followed, and the size of the answer is bounded.
"""

import logging
import ssl
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
from msgspec import Struct

from fevergate.errors import NoticeError
from fevergate.notices.mail import Email
from fevergate.notices.notice import Notice, masked, scrubbed
from fevergate.settings.contacts import NoticeSettings

TIMEOUT_S = 10.0
MAX_ANSWER = 4096
MAX_SHOWN = 200
WECOM_BYTES, NTFY_BYTES, DINGTALK_BYTES = 2048, 4096, 20_000
"""Longest text (bytes) that a service takes. A service refuses a longer text, or makes it an
attachment (ntfy)."""

# httpx logs the URL of every request at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Channel(Protocol):
    """One way to send a notice."""

    def send(self, notice: Notice) -> None:
        """Return once the service has accepted the notice. Raises `NoticeError` with the service's
        answer, or with the reason why there is no answer."""
        ...


class _Http:
    """Posts JSON over HTTP(S)."""

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """TLS context with the system's certificate authorities. It is made for the first notice
        only, because it takes time and a megabyte of memory, and most channels are never used."""
        return ssl.create_default_context()

    def _post(self, notice: Notice, url: str, content: object, **headers: str) -> bytes:
        """Body of a 2xx answer. Raises `NoticeError` for any other answer or a failed request."""
        try:
            status, reply = self._ask(url, msgspec.json.encode(content), headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            away = isinstance(error, httpx.TransportError)
            reason = scrubbed(str(error) or type(error).__name__, notice.address)
            raise NoticeError(reason, away=away) from None
        if not 200 <= status < 300:
            raise NoticeError(f"HTTP {status}: {_readable(reply, notice)}")
        return reply

    def _ask(self, url: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"} | headers
        reply, end = b"", time.monotonic() + TIMEOUT_S
        with (
            httpx.Client(verify=self._context, timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream("POST", url, content=content, headers=headers) as answer,
        ):
            for chunk in answer.iter_raw(MAX_ANSWER):
                reply += chunk
                if len(reply) >= MAX_ANSWER or time.monotonic() > end:
                    break
        return answer.status_code, reply[:MAX_ANSWER]


class Webhook(_Http):
    """Posts JSON to any service: `v, key, kind, campus, subject, body, at`. A repeated notice has
    the same key."""

    def send(self, notice: Notice) -> None:
        """Accepted if the status is 2xx."""
        content = {
            "v": 1,
            "key": notice.key,
            "kind": notice.kind,
            "campus": notice.campus,
            "subject": notice.subject,
            "body": notice.body,
            "at": notice.made_at,
        }
        self._post(notice, notice.address, content)


class Ntfy(_Http):
    """An ntfy topic, `https://host/topic`. Notices are published as JSON, because a header cannot
    hold Chinese (docs.ntfy.sh/publish/#publish-as-json)."""

    def send(self, notice: Notice) -> None:
        """Accepted if the status is 2xx."""
        parts = urlsplit(notice.address)
        folder, _, topic = parts.path.rstrip("/").rpartition("/")
        if not topic:
            raise NoticeError("expected the URL of a topic: https://host/topic")
        content = {
            "topic": unquote(topic),
            "title": notice.subject,
            "message": _cut(notice.body, NTFY_BYTES),
            "priority": 5 if notice.kind in ("fever", "confirmed") else 3,
        }
        self._post(notice, parts._replace(path=f"{folder}/").geturl(), content)


class _RobotAnswer(Struct):
    errcode: int
    errmsg: str = ""


class Robot(_Http):
    """Robot of a WeCom or DingTalk group. Both services take the same JSON. They answer HTTP 200
    even if they refuse a message; only `errcode` shows the refusal. DingTalk can require a keyword
    in each message: every subject contains `FeverGate`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes

    def send(self, notice: Notice) -> None:
        """Accepted if `errcode` is 0."""
        text = _cut(f"{notice.subject}\n{notice.body}", self._most_bytes)
        content: dict[str, Any] = {"msgtype": "text", "text": {"content": text}}
        reply = self._post(notice, notice.address, content)
        try:
            answer = msgspec.json.decode(reply, type=_RobotAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            reason = f"answer not understood: {_readable(reply, notice)}"
            raise NoticeError(reason) from None
        if answer.errcode:
            errmsg = _readable(answer.errmsg.encode(), notice)
            raise NoticeError(f"errcode {answer.errcode}: {errmsg}")


def channels(settings: NoticeSettings) -> Mapping[str, Channel]:
    """Channels by their name in a contact's `channel`."""
    return {
        "email": Email(settings),
        "webhook": Webhook(),
        "ntfy": Ntfy(),
        "wecom": Robot(WECOM_BYTES),
        "dingtalk": Robot(DINGTALK_BYTES),
    }


def far_side(notice: Notice) -> str:
    """Name of the server to which a notice is sent. If the server cannot be reached for one notice,
    the sender leaves the other notices to that server for later."""
    return "email" if notice.channel == "email" else masked(notice.address)


def _cut(text: str, most_bytes: int) -> str:
    """Shorten a text to at most `most_bytes` of UTF-8 without cutting a character in two."""
    encoded = text.encode()
    if len(encoded) <= most_bytes:
        return text
    return encoded[: most_bytes - 3].decode(errors="ignore") + "…"


def _readable(reply: bytes, notice: Notice) -> str:
    text = " ".join(reply.decode("utf-8", "replace").split())
    return scrubbed("".join(char for char in text if char.isprintable()), notice.address)[
        :MAX_SHOWN
    ]
