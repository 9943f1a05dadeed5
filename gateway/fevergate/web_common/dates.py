"""Reads dates from addresses and queries."""

import re
from datetime import date

from fevergate.errors import PeriodError


def parse_day(text: str) -> date:
    """A date from YYYY-MM-DD, years 2000 to 2999. Raises `PeriodError`."""
    # `fromisoformat` also accepts 20261123 and 2026-W48-1.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise PeriodError("date")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodError("date") from None
    if not 2000 <= day.year < 3000:
        raise PeriodError("date")
    return day
