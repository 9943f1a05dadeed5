"""Notes threads that end by an exception, so that their program can report it and exit.

Without this, the work of such a thread would stop unnoticed while the rest of the process runs on.
"""

import logging
import threading

log = logging.getLogger(__name__)

crashed_threads: list[str] = []
"""Names of this process's threads that ended by an exception."""


def watch() -> None:
    """From now on note every thread that ends by an exception, whichever library started it."""
    threading.excepthook = _fell


def _fell(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else "?"
    crashed_threads.append(name)
    log.critical("the thread %s fell", name, exc_info=arguments.exc_value)
