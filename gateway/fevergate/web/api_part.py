"""What the parts of the API share: types of parameters, pages, and the audit."""

from typing import Annotated

from msgspec import Meta
from starlette.requests import Request

from fevergate.web.context import Shared
from fevergate.web_common.middleware import actor_of

PAGE = 1000
"""Most rows of one answer."""

Short = Annotated[str, Meta(max_length=64)]
PageNumber = Annotated[int, Meta(ge=1, le=10**6)]


class ApiPart:
    """A part of the API, with what all pages share."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def _note(self, request: Request, action: str, text: str) -> None:
        self._shared.store.note(actor_of(request), action, text)


def limits(request: Request) -> tuple[int, int]:
    """Most rows of the page that a query asks for, and the number of rows before it."""
    return PAGE, (int(request.query_params.get("page", "1")) - 1) * PAGE


def pages(rows: int) -> int:
    """The number of pages of a list with so many rows."""
    return max(1, -(-rows // PAGE))
