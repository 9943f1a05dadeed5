"""A notice to be sent, and its record to be shown, without the secret parts of the address."""

from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

LEAST_SECRET = 4
"""A part of a URL of at least this length is treated as secret."""


class Notice(Struct, frozen=True, kw_only=True):
    """One notice to one contact. `address` may be a secret; `attempts` identifies the sender's
    claim on the notice."""

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
    """A failed attempt to send a notice: when (Unix time, s) and why."""

    at: float
    reason: str


class NoticeRecord(Struct, frozen=True, kw_only=True):
    """Record of one notice to one contact; times are Unix times (s), a URL is cut to its host."""

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
    """An address for display: an e-mail address unchanged, a URL cut to scheme and host."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def scrubbed(text: str, address: str) -> str:
    """A service's answer, in which every repeated part of the secret URL is blanked."""
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
