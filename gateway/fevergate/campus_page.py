"""The campus server's one page: today at each campus, with coverage, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from fevergate.campus_store import CampusToday
from fevergate.words import words

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
.fever { background: #b3261e; color: #fff; padding: .1rem .5rem; border-radius: .3rem }
"""


def _row(cells: Iterable[object], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def page(campuses: list[CampusToday], zone: ZoneInfo, language: str) -> str:
    """The whole page; whatever came from a gateway is escaped."""
    say = words(language)
    parts = []
    for campus in campuses:
        heard = datetime.fromtimestamp(campus.heard_at, zone).strftime("%Y-%m-%d %H:%M:%S")
        head = _row(
            (
                say[key]
                for key in ("gate", "kiosk", "normal", "fever", "retry", "watched", "faulty")
            ),
            "th",
        )
        rows = "".join(
            _row(
                (
                    kiosk.gate,
                    kiosk.kiosk,
                    kiosk.normal,
                    kiosk.fever,
                    kiosk.retry,
                    kiosk.watched_minutes,
                    kiosk.fault_minutes,
                )
            )
            for kiosk in campus.kiosks
        )
        waiting = (
            f' <span class="fever">{campus.unacknowledged} {escape(say["unacknowledged"])}</span>'
            if campus.unacknowledged
            else ""
        )
        parts.append(
            f"<h2>{escape(campus.campus)}{waiting}</h2>"
            f"<p>{escape(say['screened'])} {campus.screened} · {escape(say['fever'])}"
            f" {len(campus.fevers)} · {escape(say['last_heard'])} {heard}</p>"
            f"<table>{head}{rows or _row([say['not_covered']])}</table>"
        )
    body = "".join(parts) or f"<p>{escape(say['nobody_reported'])}</p>"
    return (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>FeverGate</title><style>{STYLE}</style></head><body>"
        f"<h1>FeverGate · {escape(say['today'])}</h1>{body}"
        f"<p><small>{escape(say['no_diagnosis'])}</small></p></body></html>"
    )
