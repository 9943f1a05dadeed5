"""Helpers for tests of a gateway on a Debian machine: its files, its services, its readings."""

import json
import os
import subprocess
import time
import zipfile
from functools import partial

import debian_machine
import msgspec
import pytest
import real_micropython
from samples import reading

from release.package_lock import PIP, System, download
from release.sources import copy_sources

ROOT = real_micropython.ROOT
_WHY_NOT = debian_machine.why_not()
MARKS = [
    pytest.mark.skipif(bool(_WHY_NOT), reason=str(_WHY_NOT)),
    pytest.mark.timeout(2 * debian_machine.MADE_S),
    pytest.mark.xdist_group("debian"),  # the tests share one machine, built from Debian's packages
]
PROVISION = (
    "fevergate provision gateway /etc/fevergate --campus east --gateway gw-east"
    " --gate north=north-1,north-2 --language en"
    # The machine has no GPIO pins; `doctor` would rightly report that.
    " && printf '[pins]\\nfactory = \"mock\"\\n' >>/etc/fevergate/gateway.toml"
    " && systemctl restart fevergate-gateway"
)


EARLIER = r"""
cd /etc/fevergate
sed -i '/\/test$/d' broker.acl
sed -i '/^use_username_as_clientid/d; /^# Listener for this machine/,/^tls_version/d' mosquitto.conf
sed -i '/ExecStartPre=-/d' /etc/systemd/system/mosquitto.service.d/fevergate.conf
systemctl daemon-reload
systemctl restart mosquitto fevergate-gateway fevergate-web
"""
"""Turns a provisioned gateway's broker back to an earlier version's: no lamp tests, client ids that
anybody may take, and no start with a damaged store."""


def carry(shared):
    """Put what an installation needs into `shared`: the source, every package, and two wheels that
    do not work."""
    copy_sources(shared / "source")
    run = partial(subprocess.run, check=True, capture_output=True, timeout=debian_machine.MADE_S)
    download(System((3, 11), os.uname().machine), shared / "wheels", run)
    own = shared / "own"
    run([*PIP, "wheel", "--no-deps", "--wheel-dir", str(own), str(shared / "source")])
    for path in (shared, *shared.iterdir()):
        path.chmod(0o755)
    (wheel,) = own.iterdir()
    broken(
        wheel,
        shared / "falls" / wheel.name,
        "fevergate/gateway/service.py",
        "raise SystemExit(7)\n",
    )
    broken(wheel, shared / "no" / wheel.name, "fevergate/cli.py", "this is no Python\n")


def broken(wheel, copy, name, text):
    """Write a copy of the wheel in which one file has other text."""
    copy.parent.mkdir()
    with zipfile.ZipFile(wheel) as original, zipfile.ZipFile(copy, "w") as changed:
        for member in original.infolist():
            data = original.read(member)
            changed.writestr(member, text.encode() if member.filename == name else data)


def watching(machine):
    units = ("mosquitto", "fevergate-gateway", "fevergate-web", "fevergate-renew.timer")
    units += ("fevergate-devices.path",)
    return [unit for unit in units if not machine.active(unit)]


def read(machine, seq, verdict="normal", kiosk="north-1"):
    """Publish a reading as a kiosk, with the stock client and that kiosk's credential."""
    settings = json.loads(machine.run(f"cat /etc/fevergate/kiosks/{kiosk}/settings.json").stdout)
    payload = msgspec.json.encode(reading(seq, verdict, kiosk=kiosk)).decode()
    machine.run(
        f"mosquitto_pub -h 127.0.0.1 -p 8883 -i {kiosk} --cafile /etc/fevergate/ca.crt -V 5 -q 1"
        f" -u {kiosk} -P '{settings['password']}' -t fevergate/v1/east/{kiosk}/reading"
        f" -m '{payload}'"
    )


def readings(machine):
    return int(
        machine.run(
            "python3 -c 'import sqlite3;"
            'print(sqlite3.connect("/etc/fevergate/fevergate.db")'
            '.execute("select count(*) from readings").fetchone()[0])\''
        ).stdout
    )


def until(condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.3)
