"""A backup file that was made to fill the restoring machine's memory is refused."""

import gzip
import io
import tarfile
import tracemalloc

import pytest

from fevergate.backup.archive import MANIFEST, read_backup, read_manifest
from fevergate.backup.bounded_tar import MAX_HEADERS, bounded_tar
from fevergate.errors import BackupError

MUCH = 64 * 1024 * 1024
"""Bytes that a hostile file unpacks to; gigabytes do the same, more slowly."""


def header(type_: bytes, size: int, **pax: str) -> bytes:
    member = tarfile.TarInfo(MANIFEST)
    member.type, member.size, member.pax_headers = type_, size, dict(pax)
    return member.tobuf(tarfile.PAX_FORMAT)


def blocks(text: bytes, size: int) -> bytes:
    return (text * (size // len(text) + 1))[:size]


LINE = b"%d a=%s\n" % (512, b"x" * 505)
SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
HOSTILE = {
    "a pax header": header(tarfile.XHDTYPE, MUCH) + blocks(LINE, MUCH),
    "a pax header for all": header(tarfile.XGLTYPE, MUCH) + blocks(LINE, MUCH),
    "a long name": header(tarfile.GNUTYPE_LONGNAME, MUCH) + blocks(b"x", MUCH),
    "a long link": header(tarfile.GNUTYPE_LONGLINK, MUCH) + blocks(b"x", MUCH),
    "header after header": (header(tarfile.XHDTYPE, 512) + LINE) * (MUCH // 1024),
    "a sparse map": header(tarfile.REGTYPE, MUCH, **SPARSE) + b"99999999\n" + blocks(b"1\n", MUCH),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("read", [read_manifest, lambda path, _: read_backup(path, None, None)])
def test_headers_that_unpack_to_much_are_refused_before_they_are_read(tmp_path, kind, read):
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(gzip.compress(HOSTILE[kind], compresslevel=1))
    tracemalloc.start()
    with pytest.raises(
        BackupError, match=r"evil.*no backup: its headers are longer than \d+ bytes$"
    ):
        read(path, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


def test_a_later_members_headers_are_bounded_like_the_first(tmp_path):
    raw = header(tarfile.REGTYPE, 0) + HOSTILE["a pax header"]
    with bounded_tar(io.BytesIO(gzip.compress(raw, 1))) as tar:
        assert tar.next()
        with pytest.raises(tarfile.ReadError, match=str(MAX_HEADERS)):
            tar.next()


def test_a_member_of_any_size_and_a_long_name_is_read_whole():
    name, content, file = (
        f"kiosks/{'n' * 3000}.toml",
        blocks(b"0123456789", 3_000_000),
        io.BytesIO(),
    )
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.mtime = len(content), 1.5
        tar.addfile(member, io.BytesIO(content))
        tar.addfile(tarfile.TarInfo("last"))
    file.seek(0)
    with bounded_tar(file) as tar:
        first, *others = [(member, tar.content(member).read()) for member in tar]
        assert (first[0].name, first[1]) == (name, content)
        assert [member.name for member, _ in others] == ["last"]
