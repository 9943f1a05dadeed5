"""A gateway on a machine of Debian's: what is carried there, and how it does."""

import json
import shutil
import subprocess
import sys
import time
import zipfile

import debian_machine
import msgspec
import pytest
import real_micropython
from samples import reading

ROOT = real_micropython.ROOT
_WHY_NOT = debian_machine.why_not()
MARKS = [
    pytest.mark.skipif(bool(_WHY_NOT), reason=str(_WHY_NOT)),
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("debian"),  # they share one that was made from its packages
]
PROVISION = (
    "fevergate provision gateway /etc/fevergate --campus east --gateway gw-east"
    " --gate north=north-1,north-2 --language en"
)


def carry(shared):
    """What somebody takes to the Pi: the source, every wheel, and two that do not work."""
    for name in ("pyproject.toml", "LICENSE", "README.md", "gateway", "firmware"):
        path, copy = ROOT / name, shared / "source" / name
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
            *("--constraint", str(ROOT / "gateway/constraints.txt")),
            *(
                "--wheel-dir",
                str(shared / "wheels"),
                f"{shared / 'source'}[campus,flash,pins,update]",
            ),
            "setuptools==80.9.0",  # builds the wheel where the checkout is installed
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    for path in (shared, *shared.iterdir()):
        path.chmod(0o755)
    (wheel,) = (shared / "wheels").glob("fevergate-*.whl")
    broken(wheel, shared / "falls" / wheel.name, "fevergate/gateway.py", "raise SystemExit(7)\n")
    broken(wheel, shared / "no" / wheel.name, "fevergate/cli.py", "this is no Python\n")


def broken(wheel, copy, name, text):
    """The same wheel, but for one file."""
    copy.parent.mkdir()
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(copy, "w") as other:
        for member in whole.infolist():
            data = whole.read(member)
            other.writestr(member, text.encode() if member.filename == name else data)


def watching(machine):
    units = ("mosquitto", "fevergate-gateway", "fevergate-web", "fevergate-renew.timer")
    return [unit for unit in units if not machine.active(unit)]


def read(machine, seq):
    """A kiosk says a reading, with the stock client and its own credential."""
    settings = json.loads(machine.run("cat /etc/fevergate/kiosks/north-1/settings.json").stdout)
    payload = msgspec.json.encode(reading(seq)).decode()
    machine.run(
        "mosquitto_pub -h 127.0.0.1 -p 8883 --cafile /etc/fevergate/ca.crt -V 5 -q 1"
        f" -u north-1 -P '{settings['password']}' -t fevergate/v1/east/north-1/reading"
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


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.3)
