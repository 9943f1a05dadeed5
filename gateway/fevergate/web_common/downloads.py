"""Answers with files that are made for the request."""

from collections.abc import Callable, Collection
from functools import partial
from io import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from xlsxwriter.exceptions import XlsxFileError

from fevergate.errors import ExportError

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
"""Media types, by the suffix of a file's name."""

SPOOL_BYTES = 2**20
"""Longer files are kept on disk (`TMPDIR`) until they are sent."""

PART_BYTES = 2**16


def kind_of(request: Request, kinds: Collection[str] = tuple(MEDIA)) -> str:
    """The kind of file that an address asks for. Raises `HTTPException` 404 unless in `kinds`."""
    kind = request.path_params["kind"]
    if kind not in kinds:
        raise HTTPException(404)
    return kind


def download(name: str, write: Callable[[BinaryIO], object]) -> Response:
    """A response with what `write` writes, as a file called `name`; the suffix of `name` is in
    `MEDIA`.

    The whole file is written before the first byte is sent. Therefore a fault gives an error page
    instead of a truncated file, and no database waits for a slow browser. Raises `HTTPException`
    503 without a Chinese font or without room on the disk.
    """
    file = cast("BinaryIO", SpooledTemporaryFile(SPOOL_BYTES))  # noqa: SIM115 - outlives this call
    try:
        write(file)
    except ExportError:
        raise HTTPException(503, "font") from None
    except (OSError, XlsxFileError):
        raise HTTPException(503, "room") from None
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(file.seek(0, SEEK_END)),
    }
    file.seek(0)
    media = MEDIA[name.rpartition(".")[2]]
    return StreamingResponse(iter(partial(file.read, PART_BYTES), b""), 200, headers, media)
