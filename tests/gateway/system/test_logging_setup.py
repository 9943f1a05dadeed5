"""The journal gets a program's warnings unchanged, and its information only if asked for."""

import logging
import socket

import pytest

from fevergate.system import logging_setup


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """A socket in place of the journal's."""
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        journal.setblocking(False)
        monkeypatch.setattr(logging_setup, "check_journal_stream", lambda: True)
        monkeypatch.setattr(logging_setup.JournaldLogHandler, "SOCKET_PATH", path)
        yield journal


@pytest.mark.parametrize("verbose", [False, True])
def test_a_warning_is_an_entry_and_information_only_if_it_is_asked_for(
    journal, monkeypatch, verbose
):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    before = root.level
    logging_setup.set_up(verbose)
    log = logging.getLogger("fevergate.of_this_test")
    log.info("connected")
    log.warning("lost")
    root.setLevel(before)
    entries = [journal.recv(65536).decode() for _ in range(1 + verbose)]
    with pytest.raises(BlockingIOError):
        journal.recv(65536)
    for entry, message in zip(entries, ["connected", "lost"][-len(entries) :], strict=True):
        assert f"MESSAGE={message}" in entry.splitlines() and "MESSAGE_ID" not in entry
