"""An encrypted backup hides everything, and shows each change of its bytes."""

import io
import stat

import pytest
from backup_helpers import contents
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from fevergate.backup.archive import read_backup
from fevergate.backup.gateway import backup, restore
from fevergate.cli import cli
from fevergate.crypto.passphrase import BLOCK, HEADER, TAG, EncryptedReader, EncryptedWriter
from fevergate.errors import BackupError

PASSPHRASE = "正确 horse battery"


@pytest.fixture
def cheap(monkeypatch):
    """The fewest rounds of scrypt that a file may ask for, to be fast; the format is the same."""
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)


@pytest.fixture
def sealed(settings, tmp_path, cheap):
    path = tmp_path / "monday.backup"
    backup(settings, path, passphrase=PASSPHRASE)
    return path


def test_no_plain_text_of_an_encrypted_backup_is_ever_on_the_stick(settings, cheap, tmp_path):
    stick, beside = tmp_path / "stick", set()
    stick.mkdir()

    def look(_):
        beside.update(path.name for path in stick.iterdir())
        assert not list(settings.folder.rglob("whole.sqlite")), "a second copy fills the card"

    backup(settings, stick / "b.backup", look, PASSPHRASE)
    assert beside == {"b.backup.new"}


def test_an_encrypted_backup_reveals_nothing_and_is_restored_whole(settings, sealed, tmp_path):
    content = sealed.read_bytes()
    assert b"gateway.toml" not in content and b"SQLite" not in content
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    restore(sealed, tmp_path / "new", passphrase=PASSPHRASE)
    assert contents(tmp_path / "new") == contents(settings.folder)
    assert not [path for path in settings.folder.iterdir() if path.name.startswith(".")]


def test_a_wrong_passphrase_is_distinguished_from_a_damaged_file(sealed, tmp_path):
    with pytest.raises(BackupError, match="is not the passphrase"):
        restore(sealed, tmp_path / "new", passphrase="another one")
    with pytest.raises(BackupError, match="is encrypted"):
        read_backup(sealed, None, None)
    content = bytearray(sealed.read_bytes())
    content[-20] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="damaged: block"):
        restore(sealed, tmp_path / "new", passphrase=PASSPHRASE)
    assert not (tmp_path / "new").exists()


def test_a_change_after_the_archives_end_is_detected_too(backup_path, cheap, tmp_path):
    """The whole file is authenticated, not only the part that the archive needs."""
    path = tmp_path / "longer.backup"
    with path.open("wb") as file:
        writer = EncryptedWriter(file, PASSPHRASE)
        writer.write(backup_path.read_bytes() + bytes(2 * BLOCK))
        writer.finish()
    read_backup(path, None, PASSPHRASE)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupError, match="damaged: block"):
        read_backup(path, None, PASSPHRASE)


def test_a_file_may_not_ask_for_all_memory(sealed):
    content = bytearray(sealed.read_bytes())
    content[9] = 30
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="has values that no backup has"):
        read_backup(sealed, None, PASSPHRASE)
    content[8] = 2
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="format 2"):
        read_backup(sealed, None, PASSPHRASE)


WHOLE = BLOCK + TAG
HEAD = HEADER + 32


def encrypted_bytes(data):
    file = io.BytesIO()
    writer = EncryptedWriter(file, PASSPHRASE)
    for start in range(0, len(data), 50_001):
        writer.write(data[start : start + 50_001])
    writer.finish()
    return file.getvalue()


def decrypted(content):
    return EncryptedReader(io.BytesIO(content), PASSPHRASE, "x").readall()


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_data_of_every_length_around_a_blocks_edge_is_decrypted(cheap, size):
    data = bytes(range(256)) * (size // 256 + 1)
    assert decrypted(encrypted_bytes(data[:size])) == data[:size]


@settings_of_hypothesis(max_examples=60, deadline=None)
@given(st.data())
def test_no_change_of_an_encrypted_file_goes_unseen(data):
    """Such as a cut, added bytes, a flipped bit, or blocks that are missing, doubled or moved."""
    content = CONTENT
    blocks = [content[at : at + WHOLE] for at in range(HEAD, len(content), WHOLE)]
    way = data.draw(st.sampled_from(["cut", "longer", "bit", "drop", "twice", "swap"]))
    if way == "cut":
        changed = content[: data.draw(st.integers(0, len(content) - 1))]
    elif way == "longer":
        changed = content + data.draw(st.binary(min_size=1, max_size=40))
    elif way == "bit":
        # Except the first bytes of the header, which are checked before anything is computed.
        at = data.draw(st.integers(len(b"FGBACKUP") + 4, len(content) - 1))
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    else:
        first = data.draw(st.integers(0, len(blocks) - 2))
        if way == "drop":
            blocks[first : first + 1] = []
        elif way == "twice":
            blocks[first:first] = [blocks[first]]
        else:
            blocks[first], blocks[first + 1] = blocks[first + 1], blocks[first]
        changed = content[:HEAD] + b"".join(blocks)
    with pytest.raises(BackupError):
        decrypted(changed)


def _content():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)
        return encrypted_bytes(b"a reading" * 20_000)


CONTENT = _content()


def test_the_commands_ask_for_the_passphrase(settings, cheap, tmp_path, monkeypatch):
    monkeypatch.delenv("FEVERGATE_BACKUP_PASSPHRASE", raising=False)
    run = CliRunner().invoke
    path, toml = tmp_path / "b.backup", str(settings.folder / "gateway.toml")
    making = ["backup", str(path), "--encrypt", "--settings", toml]
    result = run(cli, making)
    assert result.exit_code == 2 and not path.exists()
    assert "--passphrase-file FILE or $FEVERGATE_BACKUP_PASSPHRASE" in result.output
    secret = tmp_path / "secret"
    secret.write_text("short\n")
    result = run(cli, [*making, "--passphrase-file", str(secret)])
    assert result.exit_code == 2 and "8 characters" in result.output
    secret.write_text(f"{PASSPHRASE}\n")
    result = run(cli, [*making, "--passphrase-file", str(secret)])
    assert result.exit_code == 0 and "encrypted, all digests right" in result.output
    assert run(cli, ["backup", str(path), "--check"]).exit_code == 2
    monkeypatch.setenv("FEVERGATE_BACKUP_PASSPHRASE", "another one")
    result = run(cli, ["restore", str(path), str(tmp_path / "new")])
    assert "is not the passphrase" in str(result.exception) and not (tmp_path / "new").exists()
    monkeypatch.setenv("FEVERGATE_BACKUP_PASSPHRASE", PASSPHRASE)
    assert run(cli, ["backup", str(path), "--check"]).exit_code == 0
    assert run(cli, ["restore", str(path), str(tmp_path / "new")]).exit_code == 0
