"""The contents of an exported table's cells, in one form whatever program wrote them."""

import re
from datetime import datetime


def cell(value):
    """A cell's text without white space; a number, to two decimals, if it is one."""
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%d %H:%M:%S")
    text = re.sub(r"\s", "", str(value)).removeprefix("'")
    try:
        return round(float(text), 2)
    except ValueError:
        return text


def cells(rows):
    return [[cell(value) for value in row] for row in rows]
