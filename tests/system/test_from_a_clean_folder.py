"""From an empty folder and an empty board to a reading in the fever log, with the product's own
commands alone, as a teacher would run them."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from flash_helpers import desk, micropython
from kiosk_helpers import FEVERISH, HEALTHY, SPEED, patient, until

from fevergate.kiosks.boards import BOARDS
from harness.broker import LocalBroker, free_port
from simulator import Habits, chips

UP_S = 120


def fevergate(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "fevergate.cli", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=UP_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("chip", "name"),
    [(chips.ESP32_S3_N8R2, "esp32-s3-n8r2"), (chips.WROVER_E, "esp32-wrover-e")],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_board_out_of_its_bag_reports_at_a_gateway_out_of_a_clean_folder(tmp_path, chip, name):
    (tmp_path / "micropython.bin").write_bytes(micropython(chip))
    result = fevergate(
        *("provision", "gateway", "site", "--campus", "east", "--gateway", "gw-east"),
        *("--gate", "north=north-1", "--broker-port", free_port(), "--language", "en"),
        *("--wifi-ssid", "campus"),
        cwd=tmp_path,
        FEVERGATE_WIFI_PASSWORD="long enough",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    # Add one more kiosk, which is flashed below.
    added = fevergate("provision", "kiosk", "site", "north-2", "--gate", "north", cwd=tmp_path)
    assert "stands at gate north" in added.stdout, added.stderr
    folder = tmp_path / "site"
    broker = LocalBroker(folder)
    broker.start()
    gateway = subprocess.Popen(
        [
            *(sys.executable, "-m", "fevergate.cli", "gateway"),
            *("--settings", str(folder / "gateway.toml")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    habits = patient(Habits(), SPEED)
    board = desk(tmp_path / "board", chip=chip, speed=SPEED, habits=habits)
    try:
        flashed = fevergate(
            *("flash", "--port", board.url, "--micropython", "micropython.bin"),
            *("--settings-from", "site", "--kiosk", "north-2", "--language", "en"),
            cwd=tmp_path,
            XDG_CACHE_HOME=str(tmp_path / "cache"),
        )
        assert flashed.returncode == 0, flashed.stdout + flashed.stderr
        for check in ("memory", "bus", "sensor", "readings", "Wi-Fi", "broker"):
            assert f"✓ ok {check}" in flashed.stdout
        assert BOARDS[name].title in flashed.stdout
        pins = (board.flash_dir / "kiosk_board.mpy").read_bytes()
        assert name.encode() in pins and not (board.flash_dir / "kiosk/app.py").exists()
        board.wait_console("link up", UP_S)
        health = "select health from kiosks where kiosk = 'north-2'"
        until(lambda: name in str(rows(folder, health)))
        board.admit([HEALTHY, FEVERISH])
        until(lambda: rows(folder, "select count(*) from fevers") == [(1,)])
        verdicts = rows(folder, "select kiosk, verdict from readings order by seq")
        assert ("north-2", "normal") in verdicts and ("north-2", "fever") in verdicts
        log = fevergate("log", "--settings", folder / "gateway.toml", cwd=tmp_path)
        assert "north-2" in log.stdout, log.stderr
        # Once revoked, the kiosk cannot connect any more.
        revoked = fevergate("provision", "revoke", "site", "north-2", cwd=tmp_path)
        assert "seen: the broker refuses it" in revoked.stdout, revoked.stderr
        before = len(board.console)
        board.wait_console("link", UP_S, before)
        assert not any("link up" in line for line in board.console[before:])
    finally:
        board.stop()
        gateway.send_signal(signal.SIGTERM)
        gateway.wait(UP_S)
        broker.stop()


def rows(folder, query):
    """Rows from the gateway's database; none while the gateway still creates it."""
    reader = sqlite3.connect(f"file:{folder / 'fevergate.db'}?mode=ro", uri=True)
    try:
        return reader.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        reader.close()
