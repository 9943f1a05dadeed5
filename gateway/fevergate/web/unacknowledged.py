"""Sends contacts a notice of a gate's fever that nobody acknowledges, as the campus server does."""

from fevergate.notices.texts import celsius, texts
from fevergate.reports.day_in_words import minute
from fevergate.reports.fevers import Fever, read_fever, unacknowledged
from fevergate.web.context import Shared

OLD_S = 24 * 3600.0
"""If a fever's notice was due longer ago than this (s), none is sent any more."""

MAX_OF_KIOSK = 50
"""At most this many fevers of one kiosk get a notice each: more are a flood, which must not hide
the fevers of other kiosks."""

AGAIN_S = 10.0
"""Seconds between two looks for such fevers."""


class UnacknowledgedNotices:
    """Posts a notice of each fever that nobody acknowledged after `fever_after_min`; later also to
    contacts of the next levels and to those who have come on duty since."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._look_at = 0.0

    def tick(self) -> None:
        """Post what is due, at most every `AGAIN_S`. Raises `StoreError` or `sqlite3.Error`."""
        now = self._shared.clock.now()
        if not self._shared.settings.contacts or 0 <= self._look_at - now <= AGAIN_S:
            return
        self._look_at = now + AGAIN_S
        until = now - self._shared.settings.escalation.fever_after_min * 60.0
        with self._shared.reader() as reader:
            waiting = unacknowledged(reader, until - OLD_S, until, MAX_OF_KIOSK)
            keys = {
                f"fever/{self._shared.settings.campus}/{identity}": identity for identity in waiting
            }
            posted = self._shared.notices.told(keys)
            for key, identity in keys.items():
                fever = (
                    read_fever(reader, identity) if self._escalates or key not in posted else None
                )
                if fever:
                    self._tell(key, fever, now, until - fever.raised_at)

    @property
    def _escalates(self) -> bool:
        """Whether contacts who are not told at first may have to be told later."""
        return any(c.level > 1 or c.on_duty for c in self._shared.settings.contacts)

    def _tell(self, key: str, fever: Fever, now: float, since_s: float) -> None:
        settings = self._shared.settings
        place, gate, kiosk = self._shared.places(fever.gate, fever.kiosk)
        subject, body = texts(
            "fever",
            place=place,
            gate=gate,
            kiosk=kiosk,
            at=minute(min(fever.at, now), settings.zone),
            celsius=celsius(fever.body_c),
            now=minute(now, settings.zone),
        )
        level = 1 + int(since_s // (settings.escalation.next_level_min * 60))
        self._shared.notices.post(
            *(key, "fever", settings.campus, subject, body), gate=fever.gate, level=level
        )
