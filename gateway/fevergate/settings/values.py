"""Values that several settings files and pages check alike."""

import re
from typing import Annotated, Literal

from msgspec import Meta

from fevergate.protocol.visible_text import is_visible

Port = Annotated[int, Meta(ge=1, le=65535)]
Language = Literal["zh", "en"]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
"""Local time of day, HH:MM."""
_PERSON_NAME = re.compile(
    r"[^\s\x00-\x1f\x7f<>&\"'](?:[^\x00-\x1f\x7f<>&\"']{0,30}[^\s\x00-\x1f\x7f<>&\"'])?"
)

Minutes = Annotated[int, Meta(ge=1, le=10_080)]


def is_person_name(text: str) -> bool:
    """Whether a text can be the name of an account, or of somebody on duty."""
    return _PERSON_NAME.fullmatch(text) is not None and is_visible(text)
