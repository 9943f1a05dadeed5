"""A notice as it is sent and as it is shown, which is without what is secret in its address."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

LEAST_SECRET = 4


class Notice(Struct, frozen=True, kw_only=True):
    """One row to be sent; `attempts` says whose claim it is. `address` may be a secret."""

    id: int
    key: str
    kind: str
    campus: str
    contact: str
    channel: str
    address: str
    subject: str
    body: str
    made_at: float
    attempts: int
    error: str

    def __repr__(self) -> str:
        return f"Notice({self.key!r}, {self.channel!r}, {masked(self.address)!r})"


class Failure(Struct, frozen=True, kw_only=True):
    """An attempt that failed, when (UTC s) and why."""

    at: float
    reason: str


class Told(Struct, frozen=True, kw_only=True):
    """The record of one notice to one contact; times are UTC s, of a URL only the host is shown."""

    key: str
    kind: str
    campus: str
    contact: str
    channel: str
    address: str
    subject: str
    body: str
    made_at: float
    attempts: int
    next_at: float | None
    sent_at: float | None
    given_up_at: float | None
    failures: list[Failure]


def masked(address: str) -> str:
    """An e-mail address as it is; of a URL, which is a secret, the host."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def scrubbed(text: str, address: str) -> str:
    """What a far side said, without what it may have repeated of a secret URL."""
    if "://" not in address:
        return text
    parts = urlsplit(address)
    secrets = [address, parts.path, parts.query, parts.username or "", parts.password or ""]
    secrets += [value for _, value in parse_qsl(parts.query)]
    secrets += parts.path.split("/")
    secrets += [unquote(secret) for secret in secrets]
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= LEAST_SECRET:
            text = text.replace(secret, "…")
    return text
