"""tools/micropython-from-debian fetches from a mirror that apt knows, or says why it cannot."""

import os
import platform
import runpy
import subprocess
from pathlib import Path

import pytest
import real_micropython

from simulator.interpreters import INTERPRETERS, interpreters_of

FETCHED = [about for about in INTERPRETERS.values() if about.loader and not about.missing]
THIRTY_TWO = INTERPRETERS["32bit"].origin.rpartition(" ")[2]
SCRIPT = real_micropython.ROOT / "tools/micropython-from-debian"


def fetch(target, sources, tmp_path, name="sources.list", architecture=THIRTY_TWO):
    """Run the tool as on a machine whose apt has only these sources."""
    listed = tmp_path / "parts" / name
    listed.parent.mkdir(exist_ok=True)
    listed.write_text(sources)
    settings = tmp_path / "apt.conf"
    settings.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{listed.parent}";\n'
    )
    return subprocess.run(
        [str(SCRIPT), architecture, str(target)],
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
    result = fetch(tmp_path / "own" / "mp", sources, tmp_path, name)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert f"{THIRTY_TWO}: trixie for {THIRTY_TWO} from no mirror:" in result.stderr
    (tried,) = [line for line in result.stderr.splitlines() if line.startswith("  ")]
    assert tried.startswith("  file:/nowhere/debian/: apt-get ended with 100: E: ")
    assert list((tmp_path / "own").iterdir()) == []


def test_sources_without_a_mirror_are_named(tmp_path):
    result = fetch(tmp_path / "mp", "deb file:/nowhere stable contrib\n", tmp_path)
    assert result.returncode == 1
    assert "apt's sources (/etc/apt/sources.list*) name no mirror" in result.stderr


@pytest.mark.parametrize("about", FETCHED, ids=lambda about: about.name)
def test_once_there_it_is_not_fetched_again(about, tmp_path):
    folder = Path(about.loader[-1]).parent
    result = fetch(folder, "", tmp_path, architecture=folder.name.partition("-")[2])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_is_fetched_is_what_the_simulator_starts(machine):
    script = runpy.run_path(str(SCRIPT))
    for about in interpreters_of("Linux", machine).values():
        if not about.loader:
            continue
        architecture = about.origin.rpartition(" ")[2]
        folder = script["FOLDERS"] / f"micropython-{architecture}"
        assert architecture in script["MACHINES"][machine]
        assert (about.version, about.word_bits) == (
            script["VERSION"],
            script["WORD_BITS"][architecture],
        )
        names = (script["LOADER"], script["LIBRARIES"], script["PROGRAM"])
        assert [about.loader[0], *about.loader[2:]] == [str(folder / name) for name in names]


def test_what_this_machine_does_not_run_is_refused_before_anything_is_fetched(tmp_path):
    architecture = {"x86_64": "arm64", "aarch64": "amd64"}[platform.machine()]
    result = fetch(tmp_path / "mp", LINES, tmp_path, architecture=architecture)
    assert result.returncode == 1
    assert f"no MicroPython for {architecture}: it does not run on Linux" in result.stderr
    result = fetch(tmp_path / "mp", LINES, tmp_path, "again.list", architecture="riscv64")
    assert result.returncode == 2 and result.stderr.startswith(
        "usage: micropython-from-debian amd64|"
    )
