"""A board whose clock was never set starts at 2000-01-01, also for TLS, without an SNTP server."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from kiosk_helpers import ANSWER_S, kiosk

from fevergate.crypto import pki
from fevergate.provision import steps
from harness.site import Site

DAY_S = 86_400


class Campus(Site):
    """A site with the boards that were flashed from its folder."""

    def __init__(self, folder, boards):
        super().__init__(folder / "fevergate", {"north": ["north-1", "north-2"]})
        self._boards = boards

    def renew(self):
        return list(steps.renew(self.folder, [], everything=False))

    def board(self, name="north-1", **options):
        """Make a kiosk from the folder as it is now, without an SNTP server."""
        files = self.board_files(name, ntp_host="")
        board = kiosk(self.folder.parent / f"flash-{len(self._boards)}", files, **options)
        self._boards.append(board)
        return board


@pytest.fixture
def campus_of(tmp_path, monkeypatch):
    boards = []
    with ExitStack() as stack:

        def make(begins=pki.BEGINS):
            with monkeypatch.context() as patch:
                patch.setattr(pki, "BEGINS", begins)
                return stack.enter_context(Campus(tmp_path, boards))

        yield make
        for board in boards:
            board.stop()


def since(days):
    return datetime.now(UTC) - timedelta(days=days)


def test_a_board_with_an_unset_clock_connects(campus_of):
    board = campus_of().board(clock_set=False)
    board.start()
    board.wait_console("link up", ANSWER_S)


def test_a_certificate_that_begins_later_is_refused_as_a_board_refuses_it(campus_of):
    board = campus_of(begins=since(1)).board(clock_set=False)
    board.start()
    line = board.wait_console("link down", ANSWER_S)
    assert line == "link down: The certificate validity starts in the future"


def test_a_clock_beyond_the_certificates_end_begins_again_and_the_board_connects(campus_of):
    late = time.time() + (pki.SERVER_DAYS + 1) * DAY_S
    board = campus_of().board(utc=lambda: late)
    board.start()
    line = board.wait_console("link down", ANSWER_S)
    assert line == "link down: The certificate validity has expired"
    board.wait_console("clock: not believed, begins again", ANSWER_S)
    board.wait_console("link up", ANSWER_S)
    assert board.console.count(line) == 1


def test_a_board_that_is_out_keeps_its_line_when_its_campus_renews(campus_of):
    """The board still has the authority's old certificate. It verifies the new server certificate,
    too, since the renewed authority has the same name and key."""
    campus = campus_of(begins=since(400))
    old = campus.board()
    never_set = campus.board("north-2", clock_set=False)
    for board in (old, never_set):
        board.start()
    old.wait_console("link up", ANSWER_S)
    assert "ca.crt, broker.crt, web.crt" in campus.renew()[0]
    start = len(old.console)
    campus.broker.kill()
    campus.broker.start()
    old.wait_console("link up", ANSWER_S, start=start)
    # For the board whose clock was never set, its certificate of the authority begins too late.
    never_set.wait_console("starts in the future", ANSWER_S, start=len(never_set.console))
    assert not any("link up" in line for line in never_set.console)
    written_again = campus.board("north-2", clock_set=False)
    written_again.start()
    written_again.wait_console("link up", ANSWER_S)
