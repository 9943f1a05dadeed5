"""When a program that started others is killed, the others end, too."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fevergate.provision import provision
from harness.broker import LocalBroker, free_port
from harness.worker import wait_until
from simulator.child_process import start

GOES_S = 60
"""Time limit (s) for a process to end, far more than Linux takes."""

BROKER = """
import sys, time
from pathlib import Path
from harness.broker import LocalBroker
broker = LocalBroker(Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""
GATEWAY = """
import sys, time
from pathlib import Path
from harness.worker import Worker
worker = Worker("timeit", "-n1", "-r1", "import time; time.sleep(600)")
print(worker.pid, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def tied(pid: int) -> bool:
    """Whether `setpriv` has tied the process to its parent; a parent that dies earlier leaves it
    running."""
    return Path(f"/proc/{pid}/comm").read_text().strip() != "setpriv"


@pytest.mark.parametrize("script", [BROKER, GATEWAY], ids=["broker", "program"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_processes_started_by_a_killed_program_end_with_it(tmp_path, script, how):
    provision(
        tmp_path / "site",
        campus="east",
        gateway="gw-east",
        gates={"north": ["north-1"]},
        broker_port=free_port(),
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "site")],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        pid = int(parent.stdout.readline())
        assert runs(pid)
        wait_until(lambda: tied(pid), GOES_S, "it has begun")
        parent.send_signal(how)
        parent.wait()
    until = time.monotonic() + GOES_S
    while runs(pid):
        assert time.monotonic() < until, "it runs on"
        time.sleep(0.02)


def test_a_program_outlives_the_thread_that_asked_for_it():
    started = []
    asking = threading.Thread(target=lambda: started.append(start(["sleep", "600"])))
    asking.start()
    asking.join()
    with pytest.raises(subprocess.TimeoutExpired):
        started[0].wait(0.5)
    started[0].kill()
    started[0].wait()


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        start(["no-such-program"])


def test_the_known_process_id_is_that_of_mosquitto(tmp_path):
    provision(
        tmp_path / "site",
        campus="east",
        gateway="gw-east",
        gates={"north": ["north-1"]},
        broker_port=free_port(),
    )
    broker = LocalBroker(tmp_path / "site")
    broker.start()
    try:
        assert "mosquitto" in Path(f"/proc/{broker.pid}/comm").read_text()
    finally:
        broker.stop()
