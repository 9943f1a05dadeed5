"""The gateway's threads stay on one processor while there is little to do."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from fevergate.system.cpu_affinity import FEW, FULL_BATCH, CpuAffinity


@pytest.fixture
def sleeper():
    """Another thread of this process."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    # A gateway that ran in this process before may have left this thread on one processor.
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    before = os.sched_getaffinity(0)
    thread.start()
    yield thread.native_id
    ended.set()
    thread.join()
    assert os.sched_getaffinity(0) == before


def test_few_records_keep_all_threads_together_and_many_let_them_go(sleeper):
    everywhere = os.sched_getaffinity(0)
    if len(everywhere) == 1:
        pytest.skip("this machine has one processor")
    processors = CpuAffinity(lambda: True)
    try:
        for records, expected in (
            (FEW + 1, everywhere),
            (FEW, {max(everywhere)}),
            (FULL_BATCH - 1, {max(everywhere)}),
            (FULL_BATCH, everywhere),
            (FULL_BATCH - 1, everywhere),
        ):
            processors.batch(records)
            assert os.sched_getaffinity(0) == os.sched_getaffinity(sleeper) == expected
        processors.batch(FEW)
        os.sched_setaffinity(sleeper, everywhere)
        processors.batch(FEW)
        assert os.sched_getaffinity(sleeper) == everywhere, "done once, not with each batch"
    finally:
        processors.batch(FULL_BATCH)


def test_a_thread_that_ends_meanwhile_leaves_no_other_behind(sleeper, monkeypatch):
    everywhere = os.sched_getaffinity(0)
    child = subprocess.Popen(["true"])
    child.wait()
    monkeypatch.setattr(Path, "iterdir", lambda _: map(Path, (f"{child.pid}", f"{sleeper}")))
    processors = CpuAffinity(lambda: True)
    processors.batch(FEW)
    assert os.sched_getaffinity(sleeper) == {max(everywhere)}
    processors.batch(FULL_BATCH)


def test_without_precedence_they_stay_where_they_are(sleeper):
    everywhere = os.sched_getaffinity(0)
    CpuAffinity(lambda: False).batch(1)
    assert os.sched_getaffinity(0) == os.sched_getaffinity(sleeper) == everywhere


def test_without_permission_it_logs_that_and_works_on(monkeypatch, caplog):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refused)
    with caplog.at_level("INFO"):
        CpuAffinity(lambda: True).batch(1)
    assert "Operation not permitted" in caplog.text or len(os.sched_getaffinity(0)) == 1
