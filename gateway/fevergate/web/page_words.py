"""Texts of the pages in one language: titles of gates and kiosks, and the functions by which
templates put values into words."""

from typing import Any

from fevergate.kiosks.setting_words import refusal_in_words, value_in_words, wrong_in_words
from fevergate.kiosks.update_words import why_in_words
from fevergate.reports.day_in_words import coverage, doubts, roll, strikes, to_treat, verdict
from fevergate.settings.gateway import GatewaySettings
from fevergate.settings.names import Names
from fevergate.texts import trouble_text
from fevergate.texts.post_words import post_in_words
from fevergate.web_common.audit_words import audit_text
from fevergate.web_common.difference_words import difference_in_words
from fevergate.web_common.store import AuditEntry
from fevergate.web_common.tables import FIELDS, Say


def gates(settings: GatewaySettings, language: str) -> dict[str, str]:
    """Titles of the gates, by their ids."""
    return {gate.name: settings.gate_title(gate.name, language) for gate in settings.gates}


def places(settings: GatewaySettings, language: str) -> dict[str, str]:
    """Titles of the gates and, by GATE/KIOSK, of the kiosks there."""
    titles = dict[str, str]()
    for gate in settings.gates:
        title = titles[gate.name] = settings.gate_title(gate.name, language)
        for kiosk in gate.kiosks:
            titles[f"{gate.name}/{kiosk}"] = f"{title} · {settings.kiosk_title(kiosk, language)}"
    return titles


_OF_PLACES = (
    *("acknowledge", "try lamps", "identify", "settings", "update", "setup code"),
    *("setup code used", "name kiosk", "make screen", "on duty", "off duty", "hand over"),
    *("add kiosk", "remove kiosk", "add post", "remove post", "learn cards", "look at passers"),
)
"""Actions of the audit whose text contains ids of gates or kiosks, which are shown as names."""


def _audit_text(entry: AuditEntry, say: Say, names: Names) -> str:
    text = audit_text(entry, say)
    return names.in_text(text) if entry.action in _OF_PLACES else text


def functions(settings: GatewaySettings, language: str, say: Say) -> dict[str, Any]:
    """The functions that the templates of one language can call, by name."""
    return {
        "gate_title": settings.gate_title,
        "kiosk_title": lambda kiosk: settings.kiosk_title(kiosk, language),
        "post_in_words": lambda post, gate: post_in_words(
            settings.kiosk_title(post, language), settings.gate_title(gate, language), say
        ),
        "fault": lambda word: trouble_text.fault(word, say),
        "wifi_trouble": lambda code: trouble_text.wifi(code, say),
        "audit_text": lambda entry: _audit_text(entry, say, settings.names(language)),
        "setting_value": lambda name, value: value_in_words(name, value, say),
        "wrong_value": lambda error: wrong_in_words(error, say),
        "update_why": lambda text: why_in_words(text, say),
        "refused_value": lambda text: refusal_in_words(text, say),
        "in_words": lambda difference: difference_in_words(
            difference, FIELDS, settings.names(language), settings.zone, say
        ),
        "verdict": lambda day: verdict(day, say),
        "to_treat": lambda count: to_treat(count, say),
        "coverage": lambda day: coverage(day, say, settings.names(language)),
        "roll": lambda day: roll(day, say),
        "doubts": lambda day: doubts(day, say, settings.names(language)),
        "strikes": lambda day: strikes(day, say, settings.names(language)),
    }
