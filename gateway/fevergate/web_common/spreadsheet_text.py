"""Guards texts in a CSV file: a spreadsheet reads them as the text that they are.

Excel, WPS and LibreOffice convert a text that looks like a formula, a number, a date or a time:
class `3-2` becomes the second of March, and a telephone number loses its zero. A leading apostrophe
prevents that (OWASP, "CSV Injection"). Real numbers and times are typed cells, not texts.
"""

import re

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_NUMBER_OR_TIME = re.compile(
    rf"""
    \s*(?:
      [(¥￥$€£]*[\d０-９.．]                                # a number, date or time: digits, and
      [\d０-９\s.．,，:：/／\\\-–+()（）%％'年月日号时点分秒上下午apmeE]*
    | [上下]午.*\d.*
    | (?:\d+[\s\-/.,]*)?{_MONTH}(?:[\s\-/.,]*\d+)*          # "Mar 2", "2-Mar-26"
    | true | false
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)


def harmless(text: str) -> str:
    """The text; with an apostrophe before it if a spreadsheet would convert it."""
    if _FORMULA.match(text.lstrip(" ")) or _NUMBER_OR_TIME.fullmatch(text):
        return "'" + text
    return text
