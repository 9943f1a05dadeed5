"""Removes personal data from old audit entries: names of people other than the one who acted,
numbers of the list, and free text.

Which account did or looked at what, and when, is kept for the audit's whole time. A name beside it,
such as that of the person on duty, and a person's number of the list are personal data of somebody
else, and a reason in free text may hold some. They are removed when other names are deleted.
"""

import re
from collections.abc import Callable, Mapping

_ENTERED = re.compile(r"(?<=[:;] )\d+ (?=[\w.]+ → )")
_ON_DUTY = re.compile(r"^(\S+) by: [^,]*(?:, |$)")
_REASON = re.compile(r"((?:^|[ ,])reason: ).*", re.DOTALL)
_OF_LIST = re.compile(r"^(hand/[\d-]{10}/)\d+$")


def without_others(action: str, text: str) -> str:
    """An entry's text without other people's names, numbers of the list and free text."""
    forget = _BY_ACTION.get(action)
    return forget(text) if forget else text


def _before_by(text: str) -> str:
    """`GATE by NAME`, `GATE by NAME → NAME`."""
    return text.partition(" by ")[0]


def _case(text: str) -> str:
    """`CASE by NAME`; in old entries the key of a case by hand has a day and a list number."""
    return _OF_LIST.sub(r"\1-", _before_by(text))


def _refusal(text: str) -> str:
    """`NAME GATE: REASON`."""
    return text.rpartition(": ")[2]


def _nothing(_text: str) -> str:
    """`NAME GATE`, `PERSON`."""
    return ""


def _unless_number(text: str) -> str:
    """`PERSON`, `UNIT`."""
    return "" if text.isdecimal() else text


def _first_word(text: str) -> str:
    """`KIOSK PERSON`."""
    return text.partition(" ")[0]


def _permit(text: str) -> str:
    """`PERSON: PERMIT`."""
    return f"-: {text.rpartition(': ')[2]}"


def _follow_up(text: str) -> str:
    """`KIOSK/BOOT/SEQ by: NAME, clinical_c: None → 38.2, reason: TEXT`."""
    return _reason(_ON_DUTY.sub(r"\1 ", text).strip())


def _reason(text: str) -> str:
    """`... reason: TEXT`."""
    return _REASON.sub(r"\1-", text)


def _strike(text: str) -> str:
    """`DAY KIOSK BEGIN-END: TEXT`."""
    before, colon, _text = text.partition(": ")
    return f"{before}: -" if colon else text


def _last_word(text: str) -> str:
    """`NAME ADDRESS`: what was typed for a name may be anything."""
    return text.rpartition(" ")[2]


def _submission(text: str) -> str:
    """`DAY VERSION TO`."""
    return " ".join(text.split(" ")[:2])


def _roll(text: str) -> str:
    """`DAY UNIT: 45 measured; PERSON 38.9 → 36.5`, the form of old entries."""
    return _ENTERED.sub("", text)


_BY_ACTION: Mapping[str, Callable[[str], str]] = {
    "acknowledge": _before_by,
    "try lamps": _before_by,
    "hand over": _before_by,
    "take case": _case,
    "on duty": _nothing,
    "off duty": _nothing,
    "on duty failed": _refusal,
    "off duty failed": _refusal,
    "learn cards": _first_word,
    "end override": _nothing,
    "forget person": _nothing,
    "look at people": _unless_number,
    "override": _permit,
    "save follow-up": _follow_up,
    "enter roll": _roll,
    "correct entry": _reason,
    "strike": _strike,
    "take back strike": _strike,
    "turned away": _last_word,
    "submit": _submission,
}
"""For each action whose entries name somebody else or hold free text: the function that removes
these. A function's docstring shows the form of the text."""
