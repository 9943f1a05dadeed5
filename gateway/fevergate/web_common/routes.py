"""Routes whose handlers are plain functions: Starlette runs them in its thread pool."""

import re
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.web_common.middleware import MAX_FIELDS, form_of, upload_of

LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]{0,500}")


class NumberConvertor(IntegerConvertor):
    """`{name:number}` of a path: a whole number that every database holds. Starlette's `int` has no
    bound; with it, a number too large for SQLite or for Python would be answered as a programming
    error."""

    regex = "[0-9]{1,16}"


register_url_convertor("number", NumberConvertor())

Form = Mapping[str, str]
"""The text fields of a form; a field that was not sent is empty."""


def get(path: str, handler: Callable[[Request], Response]) -> Route:
    """The route of a page."""
    return Route(path, handler, methods=["GET"])


def post(
    path: str, handler: Callable[[Request, Form], Response], max_fields: int = MAX_FIELDS
) -> Route:
    """The route of a form, which is read and checked (`form_of`) before the handler runs."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(handler, request, await form_of(request, max_fields))

    return Route(path, answer, methods=["POST"])


def upload(path: str, handler: Callable[[Request, Form, str, bytes], Response], most: int) -> Route:
    """The route of a form with a file of at most `most` bytes: the handler gets the form, the
    file's name and its content (`upload_of`)."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(handler, request, *await upload_of(request, most))

    return Route(path, answer, methods=["POST"])


def local_path(text: str, otherwise: str = "/") -> str:
    """A path of this site, with its query; `otherwise` if a browser might read the text as an
    address of another site."""
    return text if LOCAL_PATH.fullmatch(text) else otherwise


def whole_number(text: str, most_digits: int = 9) -> int:
    """The number in a text of ASCII digits, at most `most_digits`; -1 for any other text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= most_digits
    return int(text) if is_number else -1
