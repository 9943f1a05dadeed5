"""/privacy: a page for the notice board that says which data of people are kept, and for how long.

It is made from the settings and the declared registers, in Chinese and English on one sheet.
"""

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from fevergate.registers.declarations import RegisterDeclaration
from fevergate.settings.names import in_language
from fevergate.texts.translations import N_, Say, translator
from fevergate.web_common.page_maker import Site
from fevergate.web_common.register_words import RegisterSite
from fevergate.web_common.routes import get
from fevergate.web_common.store import AUDIT_S


class PrivacySite(NamedTuple):
    """What a notice needs from a gateway or campus server.

    `place`: the institution's or campus's name in a language. `raw_days`: days for which readings
    without a fever are kept; None if they are not kept here. `has_list`: whether there is a list of
    people.
    """

    place: Callable[[str], str]
    registers: RegisterSite
    raw_days: int | None
    has_list: Callable[[], bool]


class PrivacyText(NamedTuple):
    """The notice in one language."""

    language: str
    title: str
    place: str
    lines: list[str]
    kept: list[tuple[str, str, str]]
    rights: list[str]


HEAD = (N_("What is kept"), N_("Of whom"), N_("How long"))


class PrivacyPage:
    """The page of the notice, for every signed-in person."""

    def __init__(self, site: Site, notice: PrivacySite) -> None:
        self._site = site
        self._notice = notice
        self.routes = [get("/privacy", self.page)]

    def page(self, request: Request) -> Response:
        """The notice in both languages."""
        texts = [self._text(language) for language in ("zh", "en")]
        heads = [[translator(text.language)(word) for word in HEAD] for text in texts]
        return self._site.page(request, "privacy.html", texts=texts, heads=heads)

    def _text(self, language: str) -> PrivacyText:
        say, days = translator(language), self._notice.registers.days
        return PrivacyText(
            language=language,
            title=say("Temperature screening: what is kept, and for how long"),
            place=self._notice.place(language),
            lines=[
                say(
                    "A thermometer at the entrance measures the forehead without contact. No"
                    " picture is taken. What it shows is a screening and no diagnosis."
                ),
                say(
                    "Personal data is kept to prevent infections, and for nothing else. Names are"
                    " stored encrypted; every look at them is recorded with who looked."
                ),
            ],
            kept=self._kept(language, say, days),
            rights=[
                say(
                    "After this time names, telephone numbers and notes are deleted"
                    " automatically; counts without names stay. The education authority receives"
                    " only counts."
                ),
                say(
                    "You may ask what is kept of you, and have it corrected or deleted. Please ask:"
                ),
            ],
        )

    def _kept(self, language: str, say: Say, days: int) -> list[tuple[str, str, str]]:
        long = say("{days} days", days=days)
        rows = [
            (
                say("Temperature and time, without a name"),
                say("everybody who passes"),
                say("fevers and counts for good")
                if self._notice.raw_days is None
                else say(
                    "readings without a fever {days} days; fevers and counts for good",
                    days=self._notice.raw_days,
                ),
            ),
            (
                say("Name, class or unit, telephone, second measurement, outcome"),
                say("who had a fever and was measured again"),
                long,
            ),
        ]
        if self._notice.registers.passed is not None:
            rows.append(
                (
                    say("Gate and time; with a reason: who passed the same gate as a fever"),
                    say("whoever shows a card or a visitor's pass"),
                    long,
                )
            )
        if self._notice.has_list():
            rows += [
                (
                    say("Name, number, card, telephone, class or unit"),
                    say("everybody on the college's list"),
                    say("while on the list, and {days} days more", days=days),
                ),
                (
                    say("Measured on a day, or excused and why"),
                    say("everybody on the list who is to be measured"),
                    long,
                ),
            ]
        rows += [
            (
                say("Account, what was done or looked at with it, and when"),
                say("whoever signs in to the pages"),
                say("{days} days", days=int(AUDIT_S // 86400)),
            ),
            (
                say("In this record: names of others, such as who was on duty"),
                say("guards and people on the list"),
                long,
            ),
        ]
        for register in self._notice.registers.entries.registers.values():
            if register.personal:
                fields = " · ".join(
                    in_language(register.fields[name], language) for name in register.personal
                )
                rows.append((fields, register.title_in(language), self._how_long(register, say)))
        return rows

    def _how_long(self, register: RegisterDeclaration, say: Say) -> str:
        days = self._notice.registers.days
        if register.lasts:
            return say("until its end, and {days} days more", days=days)
        return say("{days} days", days=days)
