"""Notices at a register's closing time that entries are still open, such as entries of visitors who
are inside. The notices name nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fevergate.notices.texts import texts
from fevergate.registers.declarations import RegisterDeclaration
from fevergate.texts.translations import LANGUAGES, Pair
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.register_words import RegisterSite

LATE_S = 3600.0
"""Time (s) after closing during which its notice is posted."""


@dataclass(frozen=True)
class ClosingNotices:
    """Posts one notice per day and gate for each register with a closing time (`registers.toml`),
    to those on duty at the gate. At a campus server the registers' gates are campuses."""

    notices: Notices
    site: Callable[[], RegisterSite]
    campus: str | None
    """The campus of the gates; None at a campus server."""
    place: Pair

    def tick(self) -> None:
        """Post what is due."""
        site = self.site()
        for register in site.entries.registers.values():
            closing = site.last_closing(register)
            if closing is not None and site.now() - closing < LATE_S:
                self._tell(site, register, closing)

    def _tell(self, site: RegisterSite, register: RegisterDeclaration, closing: float) -> None:
        at = datetime.fromtimestamp(closing, site.zone)
        open_of = site.entries.open_by_gate(register.name, site.now(), closing)
        due = {f"inside/{at.date()}/{register.name}/{gate}": gate for gate in open_of}
        posted = self.notices.told(due)
        for key, gate in due.items():
            if key in posted:
                continue
            chinese, english = (site.gates(language).get(gate, gate) for language in LANGUAGES)
            subject, body = texts(
                "inside" if self.campus is not None else "inside a campus",
                place=self.place,
                gate=(chinese or "-", english or "-"),
                register=(register.title_in("zh"), register.title_in("en")),
                count=open_of[gate],
                closing=f"{at:%H:%M}",
            )
            if self.campus is None:
                self.notices.post(key, "inside", gate, subject, body)
            else:
                self.notices.post(key, "inside", self.campus, subject, body, gate=gate)
