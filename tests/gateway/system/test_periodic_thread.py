"""A thread that works in rounds goes on after an error, and ends when it is told to."""

import threading

from fevergate.errors import StoreError
from fevergate.system.periodic_thread import PeriodicThread

WAIT_S = 60
NEVER_S = 3600.0


def played(rounds, every_s=NEVER_S):
    """A thread that runs `rounds` one after the other, and an event for the last one. A round
    returns its wait (s) or raises."""
    queue, over = list(rounds), threading.Event()

    def tick():
        work = queue.pop(0)
        if not queue:
            over.set()
        return work()

    thread = PeriodicThread("sweeper", every_s, tick)
    return thread, over


def fails(error):
    raise error


def test_a_round_that_fails_is_logged_and_the_next_one_comes(caplog):
    done = []
    rounds = [
        lambda: fails(StoreError("disk full")),
        lambda: 1 / 0,
        lambda: done.append(1) or NEVER_S,
    ]
    thread, over = played(rounds, every_s=0.0)
    thread.start()
    assert over.wait(WAIT_S)
    thread.stop()
    assert done == [1] and not thread.is_alive()
    assert "sweeper: disk full" in caplog.text and "ZeroDivisionError" in caplog.text
    assert caplog.text.count("Traceback") == 1  # a refusing disk is no fault of the program


class NoTime(threading.Event):
    """An event whose waits take no time, and which ends the thread after `rounds` rounds."""

    def __init__(self, rounds):
        super().__init__()
        self.waits, self._rounds = [], rounds

    def wait(self, timeout=None):
        self.waits.append(timeout)
        return len(self.waits) > self._rounds


def test_the_wait_is_the_threads_or_the_one_that_the_last_round_returned():
    rounds = [lambda: None, lambda: 0.0, lambda: 7.0, lambda: fails(StoreError("x")), lambda: None]
    thread = PeriodicThread("sweeper", 5.0, lambda: rounds.pop(0)(), first_s=3.0)
    thread.stopping = NoTime(5)
    thread.run()
    assert thread.stopping.waits == [3.0, 5.0, 0.0, 7.0, 5.0, 5.0]


def test_it_is_stopped_while_it_waits_and_before_it_was_started():
    thread = PeriodicThread("sweeper", NEVER_S, lambda: fails(AssertionError), first_s=NEVER_S)
    thread.stop()
    thread = PeriodicThread("sweeper", NEVER_S, lambda: fails(AssertionError), first_s=NEVER_S)
    thread.start()
    thread.stop()
    assert not thread.is_alive()
