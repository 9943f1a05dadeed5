"""Texts for the list of people: kinds, permits, titles of columns, and changes noted in the
audit."""

import re

from fevergate.texts.translations import N_, Say

KIND_NAMES = {"student": N_("Students"), "staff": N_("Staff"), "guard": N_("Guards")}
PERMIT_NAMES = {"enter": N_("may enter"), "ask": N_("ask the guard"), "stop": N_("may not enter")}
FIELD_NAMES = {
    "number": N_("Number"),
    "name": N_("Name"),
    "kind": N_("Kind"),
    "class_": N_("Class"),
    "unit": N_("Unit"),
    "campus": N_("Campus"),
    "permit": N_("Permit of the list"),
    "card": N_("Card"),
    "telephone": N_("Telephone"),
    "until": N_("Last day"),
    "expected": N_("Measured each day"),
}

_IN_NUMBERS = re.compile(r"\+(\d+) ~(\d+) -(\d+) =(\d+)")
_PERMITTED = re.compile(r"(.+): (enter|ask|stop|-)")


def difference_of(text: str, say: Say) -> str:
    """An audited change of the list (`ListDifference.in_numbers`, such as `+3 ~1 -2 =900`) as a
    sentence; any other text as it is."""
    match = _IN_NUMBERS.fullmatch(text)
    if not match:
        return text
    added, changed, removed, unchanged = match.groups()
    return say(
        N_("{added} added, {changed} changed, {gone} gone; {same} as before"),
        added=added,
        changed=changed,
        gone=removed,
        same=unchanged,
    )


def permitted(text: str, say: Say) -> str:
    """An audited policy (`KIND CLASS: PERMIT`) or override (`PERSON: PERMIT`) in words; any other
    text as it is."""
    match = _PERMITTED.fullmatch(text)
    if not match:
        return text
    subject, permit = match.groups()
    kind, space, class_ = subject.partition(" ")
    kind_name = say(KIND_NAMES[kind]) if kind in KIND_NAMES else kind
    words = say(PERMIT_NAMES[permit]) if permit in PERMIT_NAMES else say(N_("no rule"))
    return f"{kind_name}{space}{class_}{say(': ')}{words}"
