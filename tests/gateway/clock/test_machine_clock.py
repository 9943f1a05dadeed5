"""`doctor` says where the gateway's clock has its time from."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import real_micropython

from fevergate.clock import time_source

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
RIGHT = datetime(2026, 11, 20, 1, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def pi(tmp_path, monkeypatch):
    """A machine whose clock files are in `tmp_path`; its clock is not synchronised."""
    monkeypatch.setattr(time_source, "SAVED", tmp_path / "clock-epoch")
    monkeypatch.setattr(time_source, "SYNCHRONISED", tmp_path / "synchronised")
    monkeypatch.setattr(time_source, "CHIPS", tmp_path / "rtc")
    monkeypatch.setattr(time_source, "_synchronised", lambda: False)
    return tmp_path


def remark(state):
    finding = time_source.finding(NOW, ZONE)
    assert finding.check == "clock" and finding.state == state
    assert (finding.advice == ("", "")) is (state == "ok")
    assert all(text.startswith("2026-11-26 14:00:00") for text in finding.text)
    return finding.text[1].removeprefix("2026-11-26 14:00:00")


def chip(pi, seconds, name="rtc-ds1307 1-0068\n"):
    folder = pi / "rtc/rtc0"
    folder.mkdir(parents=True)
    (folder / "since_epoch").write_text(f"{seconds}\n")
    (folder / "name").write_text(name)


def test_a_clock_that_a_time_server_set(pi, monkeypatch):
    monkeypatch.setattr(time_source, "_synchronised", lambda: True)
    assert remark("ok") == ", synchronised"


def test_where_systemd_cannot_be_asked_nothing_is_claimed(pi, monkeypatch):
    monkeypatch.setattr(time_source, "_synchronised", lambda: None)
    assert remark("ok") == ""


def test_a_clock_that_nobody_ever_set(pi):
    (pi / "clock-epoch").touch()
    assert remark("warning") == (
        ", never set by a time server: right only if somebody set it by hand"
    )


def test_a_clock_that_goes_on_from_the_saved_time_says_when_it_was_last_right(pi):
    for name in ("clock-epoch", "synchronised"):
        (pi / name).touch()
        os.utime(pi / name, (RIGHT, RIGHT))
    assert "goes on from the time that was saved; last right 2026-11-20 09:12" in remark("warning")


def test_a_clock_that_is_not_saved_claims_no_restoring(pi):
    (pi / "synchronised").touch()
    os.utime(pi / "synchronised", (RIGHT, RIGHT))
    assert remark("warning") == ", not synchronised; last right 2026-11-20 09:12"


def test_a_clock_module_that_agrees(pi):
    chip(pi, int(NOW.timestamp()) + 2)
    assert remark("ok") == ", from the clock chip rtc-ds1307"


@pytest.mark.parametrize("seconds", [0, "", "nonsense", int(RIGHT), int(NOW.timestamp()) + 61])
def test_a_chip_whose_time_is_missing_or_not_the_systems_is_not_named(pi, seconds):
    chip(pi, seconds)
    assert "never set" in remark("warning")


def test_the_units_touch_the_files_that_are_read():
    unit = (real_micropython.ROOT / "gateway/machine/fevergate-clock.service").read_text()
    assert f"touch {time_source.SAVED}\n" in unit
    assert f"touch {time_source.SYNCHRONISED};" in unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_the_units_are_sound():
    folder = real_micropython.ROOT / "gateway/machine"
    units = [str(folder / f"fevergate-clock.{kind}") for kind in ("service", "timer")]
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    assert "fevergate-clock" not in result.stderr, result.stderr
