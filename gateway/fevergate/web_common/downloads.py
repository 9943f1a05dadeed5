"""Answers with files that are made for the request."""

from collections.abc import Callable
from functools import partial
from io import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from xlsxwriter.exceptions import XlsxFileError

from fevergate.errors import ExportError

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

SPOOL_BYTES = 2**20
"""Longer files lie on the disk until they are sent (`TMPDIR`)."""

PART_BYTES = 2**16


def download(name: str, media: str, write: Callable[[BinaryIO], None]) -> Response:
    """An answer with what `write` writes, as a file called `name`.

    It is written whole before the first byte is sent: a fault on the way is an error page instead
    of a file that is cut, and no database waits for the reader. Raises `HTTPException` 503 without
    a Chinese font or without room on the disk.
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
    return StreamingResponse(iter(partial(file.read, PART_BYTES), b""), 200, headers, media)
