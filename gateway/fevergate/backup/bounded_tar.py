"""Reads a gzipped tar and bounds the size and the number of its headers, which are not trusted.

tarfile reads GNU tar's long names, pax headers and the maps of sparse files into memory as a whole,
and these may unpack to gigabytes.
"""

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

MAX_HEADERS = 64 * 1024
"""Most bytes that are read before one member's content; `fevergate backup` writes about 2 KB."""


class BoundedTar:
    """The members of a gzipped tar, one after the other. Raises `tarfile.TarError` and whatever
    else tarfile and gzip raise for a damaged file."""

    def __init__(self, unpacked: "_Unpacked") -> None:
        self._unpacked = unpacked
        self._tar = tarfile.open(fileobj=unpacked, mode="r:")  # noqa: SIM115 - `bounded_tar` closes its file

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        while member := self.next():
            yield member

    def next(self) -> tarfile.TarInfo | None:
        """The next member; None after the last."""
        self._unpacked.left = MAX_HEADERS
        try:
            return self._tar.next()
        finally:
            self._unpacked.left = None

    def content(self, member: tarfile.TarInfo) -> IO[bytes]:
        """Open a member's content. Raises `tarfile.ReadError` if the member is not a file."""
        file = self._tar.extractfile(member)
        if file is None:
            raise tarfile.ReadError(f"{member.name}: not a file")
        return file


class _Unpacked(gzip.GzipFile):
    left: int | None = MAX_HEADERS
    """Bytes that may still be read; None for any number."""

    def read(self, size: int | None = -1) -> bytes:
        if self.left is not None:
            if size is None or not 0 <= size <= self.left:
                raise tarfile.ReadError(f"its headers are longer than {MAX_HEADERS} bytes")
            self.left -= size
        return super().read(size)


@contextmanager
def bounded_tar(file: IO[bytes]) -> Iterator[BoundedTar]:
    """Open the tar in a gzipped `file`."""
    with _Unpacked(fileobj=file, mode="rb") as unpacked:
        yield BoundedTar(unpacked)
