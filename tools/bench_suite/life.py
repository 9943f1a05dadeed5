"""Measures a gateway's memory at rest and after many readings, and its CPU load."""

import time

from fevergate.storage.connection import open_reader
from harness.errors import HarnessError
from harness.figures import progress
from harness.site import LoadSite
from harness.worker import Worker

SETTLE_S = 5
CPU_PER_S = 10
CPU_S = 60
LOAD_PER_S = 5000
"""Readings per second from ten kiosks; the gateway's flood guard admits them all."""

WAIT_S = 3600


def measure(site: LoadSite, readings: int) -> dict[str, float]:
    """Memory (MB) and CPU load (percent of one core) of one gateway process."""
    with site.start_gateway() as gateway:
        progress("at rest")
        time.sleep(SETTLE_S)
        rest_mb = _mb(gateway)
        progress(f"{CPU_PER_S} readings a second for {CPU_S} s")
        cpu_percent = _cpu(site, gateway)
        early_mb = _mb(gateway)
        progress(f"{readings:,} readings")
        arguments = ["--rate", str(LOAD_PER_S), "--readings", str(readings), "--boot", "2"]
        with site.start_load(*arguments, "--fevers", "0.001", "--wait-s", str(WAIT_S)) as load:
            load.line(WAIT_S)
        time.sleep(SETTLE_S)
        full_mb = _mb(gateway)
    with open_reader(site.database) as database:
        (rows,) = database.execute("select count(*) from readings").fetchone()
    if rows < readings:
        raise HarnessError(f"{rows} of {readings} readings are stored")
    return {
        "rest_mb": rest_mb,
        "cpu_percent_at_10_per_s": cpu_percent,
        "readings": rows,
        "full_mb": full_mb,
        "growth_mb": round(full_mb - early_mb, 1),
    }


def _cpu(site: LoadSite, gateway: Worker) -> float:
    arguments = ["--rate", str(CPU_PER_S), "--readings", str(CPU_PER_S * CPU_S), "--boot", "1"]
    with site.start_load(*arguments) as load:
        time.sleep(SETTLE_S)  # the kiosks connect; not measured
        began, used_s = time.monotonic(), gateway.cpu_s()
        load.line(CPU_S + WAIT_S)
        used_s = gateway.cpu_s() - used_s
    return round(100 * used_s / (time.monotonic() - began), 2)


def _mb(gateway: Worker) -> float:
    return round(gateway.status_kb("VmRSS") / 1024, 1)
