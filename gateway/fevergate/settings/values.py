"""Types of values that several settings files share."""

from typing import Annotated, Literal

from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Language = Literal["zh", "en"]
Minutes = Annotated[int, Meta(ge=1, le=10_080)]
