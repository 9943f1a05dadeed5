"""The thread that lights the lamp runs before other programs, where it may."""

import os
import subprocess
import sys
import threading

import pytest

from fevergate.system import realtime_priority

ASK = "import os; print(os.sched_getscheduler(0))"


def in_a_thread(work):
    """Run `work` in a thread of its own; returns its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def precedence_state():
    """Whether precedence was taken, the thread's scheduling policy, and the policy of a program
    that it starts."""
    success = realtime_priority.set_realtime_priority()
    child = subprocess.run([sys.executable, "-c", ASK], capture_output=True, check=True, text=True)
    return success, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, int(child.stdout)


def test_one_thread_alone_runs_first_and_no_program_that_it_starts():
    before = os.sched_getscheduler(0)
    success, own, child = in_a_thread(precedence_state)
    if not success:
        pytest.skip("this user may not, or this kernel shares real time out among groups")
    assert (own, child) == (os.SCHED_RR, os.SCHED_OTHER)
    assert os.sched_getscheduler(0) == before  # the thread that the tests run in


def test_without_permission_it_logs_that_and_works_on(monkeypatch, caplog):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(realtime_priority.os, "sched_setscheduler", refused)
    with caplog.at_level("INFO"):
        assert not in_a_thread(realtime_priority.set_realtime_priority)
    assert "Operation not permitted" in caplog.text
