"""Types of values that several settings files share."""

from typing import Annotated, Literal

from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Language = Literal["zh", "en"]
ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""Local time of day, HH:MM."""

Minutes = Annotated[int, Meta(ge=1, le=10_080)]
