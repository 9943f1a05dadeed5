"""tools/micropython32: from a mirror that apt knows, and a clear word where there is none."""

import os
import runpy
import subprocess

import pytest
import real_micropython

from simulator.interpreters import interpreter

SCRIPT = real_micropython.ROOT / "tools/micropython32"


def fetch(target, sources, tmp_path, name="sources.list"):
    """As on a machine whose apt has these sources and no other."""
    listed = tmp_path / "parts" / name
    listed.parent.mkdir()
    listed.write_text(sources)
    settings = tmp_path / "apt.conf"
    settings.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{listed.parent}";\n'
    )
    return subprocess.run(
        [str(SCRIPT), str(target)],
        capture_output=True,
        text=True,
        env=os.environ | {"APT_CONFIG": str(settings)},
        timeout=120,
    )


DEB822 = """\
Types: deb
URIs: file:/nowhere/debian
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb
URIs: file:/nowhere/debian-security
Suites: bookworm-security
Components: main
"""
LINES = """\
deb cdrom:[Debian]/ bookworm main
deb [arch=amd64] file:/nowhere/debian bookworm main contrib
deb-src file:/nowhere/sources bookworm main
deb file:/nowhere/debian-security bookworm-security main
deb file:/nowhere/others stable contrib
"""


@pytest.mark.parametrize("name", ["debian.sources", "debian.list"])
def test_a_mirror_that_has_nothing_is_named_and_nothing_is_left(name, tmp_path):
    sources = DEB822 if name.endswith("sources") else LINES
    done = fetch(tmp_path / "own" / "mp", sources, tmp_path, name)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no 32-bit MicroPython: trixie for i386 from no mirror:" in done.stderr
    (tried,) = [line for line in done.stderr.splitlines() if line.startswith("  ")]
    assert tried.startswith("  file:/nowhere/debian/: apt-get ended with 100: E: ")
    assert list((tmp_path / "own").iterdir()) == []


def test_sources_without_a_mirror_are_named(tmp_path):
    done = fetch(tmp_path / "mp", "deb file:/nowhere stable contrib\n", tmp_path)
    assert done.returncode == 1
    assert "apt's sources (/etc/apt/sources.list*) name no mirror" in done.stderr


def test_once_there_it_is_not_fetched_again(tmp_path):
    done = fetch(SCRIPT.parents[1] / ".venv/micropython-i386", "", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_fetched_is_what_the_simulator_starts():
    script = runpy.run_path(str(SCRIPT))
    chosen = interpreter("32bit")
    assert chosen.version == script["VERSION"]
    assert chosen.loader[-1] == str(script["FOLDER"] / script["PROGRAM"])
