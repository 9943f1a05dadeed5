"""Puts what an entry of the audit was about into the reader's language.

Entries are stored with the names of fields and values, which stay the same when their words change.
"""

import re
from collections.abc import Callable, Mapping

from fevergate.kiosks.setting_words import SETTINGS
from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import ERRORS, LABELS, SCOPES
from fevergate.web_common.difference_words import WORDS
from fevergate.web_common.list_words import difference_of, permitted
from fevergate.web_common.store import AuditEntry
from fevergate.web_common.tables import FIELDS

BY_A_CODE = "by a code of the terminal"
ROLES = {"administrator": N_("Administrator"), "guard": N_("Guard"), "tutor": N_("Tutor")}
FOLLOW_UP_FIELDS = FIELDS | {
    "person": N_("Person's name"),
    "unit": N_("Class or unit"),
    "phone": N_("Telephone"),
    "note": N_("Note"),
}

_CHANGE = re.compile(r"(\w+): (.*) → (.*)")
_SET = re.compile(r"'(\w+)': (?:'([^']*)'|\"([^\"]*)\")")
_TRACED = re.compile(r"(\S+) (\d+) min: (\d+) reason: (.*)", re.DOTALL)


def audit_text(entry: AuditEntry, say: Say) -> str:
    """What the entry was about, in words; any part that is no known field, value or reason stays as
    it is."""
    if entry.action.endswith(" failed"):
        return _refused(entry.what, say)
    in_words = _BY_ACTION.get(entry.action)
    return in_words(entry.what, say) if in_words else entry.what


def _refused(text: str, say: Say) -> str:
    head, colon, reason = text.rpartition(": ")
    if reason not in ERRORS:
        return text
    return f"{_person(head, say)}{say(': ')}{say(ERRORS[reason])}" if colon else say(ERRORS[reason])


def _person(text: str, say: Say) -> str:
    name, bracket, role = text.rpartition(" (")
    title = ROLES.get(role.removesuffix(")")) if bracket else None
    return f"{name} ({say(title)})" if title else text


def _value(value: str, say: Say) -> str:
    words = WORDS | LABELS
    return say(words[value]) if value in words else value


def _follow_up(text: str, say: Say) -> str:
    """`KIOSK/BOOT/SEQ by: NAME, clinical_c: None → 38.2, person, reason: TEXT`."""
    record, _, changes = text.partition(" ")
    changes, _, reason = changes.partition("reason: ")
    words = [_change(part, say) for part in changes.split(", ") if part]
    if reason:
        words.append(f"{say(FIELDS['reason'])}{say(': ')}{reason}")
    return f"{record} {say(', ').join(words)}".strip()


def _change(text: str, say: Say) -> str:
    if match := _CHANGE.fullmatch(text):
        field, before, now = match.groups()
        if field in FOLLOW_UP_FIELDS:
            title = say(FOLLOW_UP_FIELDS[field])
            return f"{title}{say(': ')}{_value(before, say)} → {_value(now, say)}"
    if text.startswith("by: "):
        return f"{say(N_('On duty'))}{say(': ')}{text.removeprefix('by: ')}"
    return say(FOLLOW_UP_FIELDS[text]) if text in FOLLOW_UP_FIELDS else text


def _settings(text: str, say: Say) -> str:
    """`KIOSK {'threshold_c': '37.5'}`."""
    kiosk, brace, values = text.partition(" {")
    if not brace:
        return text
    words = []
    for name, single, double in _SET.findall("{" + values):
        title = say(SETTINGS[name].title) if name in SETTINGS else name
        words.append(f"{title}{say(': ')}{_value(single or double, say)}")
    return f"{kiosk} {say(', ').join(words)}".strip() if words else text


def _scopes(text: str, say: Say) -> str:
    name, colon, scopes = text.rpartition(": ")
    if not (colon and scopes):
        return text
    words = [say(SCOPES[scope]) if scope in SCOPES else scope for scope in scopes.split()]
    return f"{name}{say(': ')}{'; '.join(words)}"


def _search(text: str, say: Say) -> str:
    return " ".join(say(LABELS[word]) if word in LABELS else word for word in text.split(" "))


def _roll(text: str, say: Say) -> str:
    """`DAY UNIT: 45 measured, 2 excused; 36.5 → excused`."""
    words = {"measured": say(N_("measured")), "excused": say(N_("excused"))}
    return re.sub(r"\b(measured|excused)\b", lambda word: words[word[0]], text)


def _trace(text: str, say: Say) -> str:
    """`KIOSK/BOOT/SEQ 10 min: 31 reason: TEXT`."""
    if not (match := _TRACED.fullmatch(text)):
        return text
    record, minutes, people, reason = match.groups()
    values = {"minutes": minutes, "people": people}
    summary = say("{minutes} minutes before and after, {people} found", **values)
    return f"{record}{say(': ')}{summary}{say(', ')}{say(FIELDS['reason'])}{say(': ')}{reason}"


def _began(text: str, say: Say) -> str:
    return say(N_("by a code of the terminal")) if text == BY_A_CODE else text


def _acknowledged(text: str, say: Say) -> str:
    gate, by, name = text.partition(" by ")
    return f"{gate}{say(': ')}{name}" if by else text


_BY_ACTION: Mapping[str, Callable[[str, Say], str]] = {
    "save follow-up": _follow_up,
    "settings": _settings,
    "issue token": _scopes,
    "began": _began,
    "search fevers": _search,
    "enter roll": _roll,
    "trace": _trace,
    "acknowledge": _acknowledged,
    "try lamps": _acknowledged,
    "take case": _acknowledged,
    "hand over": _acknowledged,
    "add person": _person,
    "import list": difference_of,
    "look at list difference": difference_of,
    "set policy": permitted,
    "override": permitted,
}
