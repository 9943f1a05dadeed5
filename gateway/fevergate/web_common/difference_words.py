"""Puts the differences between two versions of a signed document into words: field, value before,
value now."""

from collections.abc import Mapping
from contextlib import suppress
from zoneinfo import ZoneInfo

from fevergate.reports.day_in_words import local
from fevergate.reports.tree_diff import Difference
from fevergate.settings.names import Names
from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS

WORDS = {"None": N_("none"), "": N_("none"), "-": N_("none"), "True": N_("Yes"), "False": N_("No")}
"""Displayed names of values that every field may have."""

_BY_KIOSK = ("kiosks", "fevers", "struck", "contradictions")
"""Branches of a document whose keys begin with a kiosk's id: KIOSK, KIOSK/BOOT/SEQ, KIOSK/STRIKE
or KIOSK/BEGIN/END/AT, times as Unix time (s)."""

_TIMES = ("at", "begin", "end", "since")
_WHOLE = "✓"
"""Value in a difference that means a whole branch, which the other version lacks."""


def difference_in_words(
    difference: Difference, titles: Mapping[str, str], names: Names, zone: ZoneInfo, say: Say
) -> tuple[str, str, str]:
    """Field, value before and value now; `titles`: titles of fields by name; `names`: names of
    gates and kiosks. Times become local times of `zone`."""
    path = difference.what.split()
    words = [
        _key(word, names, zone)
        if number and path[number - 1] in _BY_KIOSK
        else say(titles[word])
        if word in titles
        else word
        for number, word in enumerate(path)
    ]
    before, now = difference.before, difference.now
    if now == _WHOLE:
        values = say(N_("none")), say(N_("added"))
    elif before == _WHOLE:
        values = say(N_("there")), say(N_("none"))
    else:
        field = path[-1]
        values = _value(before, field, names, zone, say), _value(now, field, names, zone, say)
    return " · ".join(words), *values


def _key(key: str, names: Names, zone: ZoneInfo) -> str:
    kiosk, *rest = key.split("/")
    kiosk_name = names.kiosk(kiosk)
    if len(rest) == 3:
        begin, end = (_time(text, zone) for text in rest[:2])
        return f"{kiosk_name} · {begin} – {end}"
    if len(rest) == 2:
        return key if kiosk_name == kiosk else f"{kiosk_name} · {key}"
    return " · ".join((kiosk_name, *rest))


def _value(value: str, field: str, names: Names, zone: ZoneInfo, say: Say) -> str:
    if value in WORDS:
        return say(WORDS[value])
    if field in _TIMES or field.endswith("_at"):
        return _time(value, zone)
    if field in ("gate", "kiosk"):
        return names.gate(value) if field == "gate" else names.kiosk(value)
    return say(LABELS[value]) if value in LABELS else value


def _time(text: str, zone: ZoneInfo) -> str:
    with suppress(ValueError, OverflowError, OSError):
        return local(float(text), zone)
    return text
