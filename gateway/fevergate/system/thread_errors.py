"""Threads that end by an exception: remembered, so that their program can say so and end.

A thread that falls takes its work with it, and the rest of the process looks well.
"""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)

fallen: list[str] = []
"""Names of the threads of this process that ended by an exception."""


def watch() -> None:
    """Note from now on each thread that falls, whoever started it."""
    threading.excepthook = _fell


def _fell(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else "?"
    fallen.append(name)
    value = arguments.exc_value or arguments.exc_type()
    log.critical("the thread %s fell", name, exc_info=value)
