"""Sends a program's log to the systemd journal, or as text to stderr.

Under systemd each line becomes a journal entry with fields, so that `journalctl -t fevergate
EXTRA_KIOSK=north-1` finds the entries of one kiosk (systemd.journal-fields(7)).
"""

import logging
import sys

from logging_journald import Facility, JournaldLogHandler, check_journal_stream

IDENTIFIER = "fevergate"


def set_up(verbose: bool) -> None:
    """Log warnings and errors; with `verbose` also information such as each connection."""
    level = logging.INFO if verbose else logging.WARNING
    if check_journal_stream():
        # Without message ids, which would be a hash of each text.
        handler = JournaldLogHandler(IDENTIFIER, Facility.DAEMON, use_message_id=False)
        logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    else:
        logging.basicConfig(
            level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
        )
