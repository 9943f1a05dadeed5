"""Values that several settings files and pages check alike."""

import re
from typing import Annotated, Literal

from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Language = Literal["zh", "en"]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
"""Local time of day, HH:MM."""
PERSON_NAME = re.compile(
    r"[^\s\x00-\x1f\x7f<>&\"'](?:[^\x00-\x1f\x7f<>&\"']{0,30}[^\s\x00-\x1f\x7f<>&\"'])?"
)
"""Name of an account, or of somebody on duty."""

Minutes = Annotated[int, Meta(ge=1, le=10_080)]
