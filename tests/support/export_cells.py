"""What the cells of an exported table say, whichever program wrote them."""

import re
from datetime import datetime


def cell(value):
    """A cell's text without breaks and blanks; numbers as numbers."""
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%d %H:%M:%S")
    text = re.sub(r"\s", "", str(value)).removeprefix("'")
    try:
        return round(float(text), 2)
    except ValueError:
        return text


def cells(rows):
    return [[cell(value) for value in row] for row in rows]
