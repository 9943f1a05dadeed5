"""A machine whose systemd only writes down what it is told."""

import os

import pytest

from fevergate.provision import services


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """A file of the commands that `systemctl` was given; systemd itself is not there."""
    calls = tmp_path / "told"
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{calls}\nexit ${{SYSTEMCTL_FAILS:-0}}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(services, "SYSTEMD", tmp_path)
    monkeypatch.setattr(services, "FOLDER", tmp_path / "a")
    return calls
