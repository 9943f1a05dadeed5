"""Names that people gave to a campus, its gates and its kiosks, shown in place of ids."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

_ID = re.compile(r"(?<![\w/.-])[a-z0-9][a-z0-9-]*(?![\w/.-])")
_NONE: Mapping[str, str] = MappingProxyType({})


class Titled(Protocol):
    """Anything in the settings with a name in Chinese, and one in English if that differs."""

    @property
    def title(self) -> str: ...

    @property
    def title_en(self) -> str: ...


def in_language(titled: Titled, language: str) -> str:
    """The name in a language, or else in the other one; empty if there is neither."""
    return titled.title_en or titled.title if language == "en" else titled.title or titled.title_en


class Names(NamedTuple):
    """Names in one language, by id; a gate or kiosk without a name is called by its id."""

    campus: str = ""
    gates: Mapping[str, str] = _NONE
    kiosks: Mapping[str, str] = _NONE

    def gate(self, gate: str) -> str:
        return self.gates.get(gate) or gate

    def kiosk(self, kiosk: str) -> str:
        return self.kiosks.get(kiosk) or kiosk

    def in_text(self, text: str) -> str:
        """The text with names in place of the ids of gates and kiosks. An id within a longer word
        or a path is left as it is."""
        return _ID.sub(lambda id_: self.kiosk(self.gate(id_[0])), text)
