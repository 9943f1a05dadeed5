"""Where the gateway's own log goes: structured into the journal, or onto stderr.

Under systemd each line becomes a journal entry with fields, so that `journalctl -t fevergate
EXTRA_KIOSK=north-1` finds a kiosk's
(systemd.journal-fields(7)). Elsewhere it is a line of text.
"""

from __future__ import annotations

import logging
import sys

from logging_journald import Facility, JournaldLogHandler, check_journal_stream

IDENTIFIER = "fevergate"


def set_up(verbose: bool) -> None:
    """Warnings and worse; with `verbose` also each connection."""
    level = logging.INFO if verbose else logging.WARNING
    if check_journal_stream():
        # Its entries have no line's prefix, and no id made of a hash of each text.
        handler = JournaldLogHandler(IDENTIFIER, Facility.DAEMON, use_message_id=False)
        logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    else:
        logging.basicConfig(
            level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
        )
