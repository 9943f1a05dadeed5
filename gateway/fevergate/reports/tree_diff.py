"""Differences between two trees of JSON values, each with its path."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class Difference(Struct, frozen=True):
    """A value that differs; `what` is its path. `before` or `now` is `-` if it is missing there."""

    what: str
    before: str
    now: str


def differences(before: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Values that differ between two trees of dicts, in order of their keys."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from differences(before.get(key), now.get(key), f"{path} {key}".strip())
    elif before != now:
        yield Difference(path, _short(before), _short(now))


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return "✓" if isinstance(value, dict) else str(value)
