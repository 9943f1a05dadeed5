"""What is not as it was between two documents, said by the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class Difference(Struct, frozen=True):
    """One thing that is not as it was; either side may be missing (`-`)."""

    what: str
    before: str
    now: str


def differences(before: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Between two trees of dicts in terms of JSON, in order of their keys."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from differences(before.get(key), now.get(key), f"{path} {key}".strip())
    elif before != now:
        yield Difference(path, _short(before), _short(now))


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return "✓" if isinstance(value, dict) else str(value)
