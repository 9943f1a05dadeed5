"""What a gateway is installed from is locked, and is what the tests ran with."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
import real_micropython
from packaging.requirements import Requirement

ROOT = real_micropython.ROOT
LOCKED = dict(
    re.findall(
        r"^([a-z0-9-]+)==(\S+)", (ROOT / "gateway/constraints.txt").read_text(), re.MULTILINE
    )
)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure():
    """Every distribution that `fevergate` needs here, by what is installed."""
    waiting, found = [Requirement("fevergate")], {}
    while waiting:
        one = waiting.pop()
        name = normal(one.name)
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(name).version
        waiting += map(Requirement, distribution(name).requires or ())
    return found


def test_what_is_asked_for_is_pinned_and_locked_at_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        name, _, version = text.partition("==")
        assert LOCKED[normal(name)] == version


def test_what_that_needs_is_locked_and_installed_as_locked():
    found = closure()
    assert len(found) > 20
    for name, version in found.items():
        if name not in ("fevergate", "pip", "setuptools"):
            assert LOCKED.get(name) == version, name


def test_nothing_is_locked_that_nobody_needs():
    needed = closure()
    for name in LOCKED:
        try:
            distribution(name)
        except PackageNotFoundError:
            continue  # for another machine
        assert name in needed, name


REGISTRIES = [
    ".".join(parts)
    for parts in (
        *(("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")),
        *(("deb", "debian", "org"), ("security", "debian", "org"), ("ftp", "debian", "org")),
        *(("snapshot", "debian", "org"), ("raspberrypi", "com/debian"), ("raspbian", "org")),
    )
]


def test_no_file_names_a_package_registrys_host():
    """Whoever builds it may have mirrors: pip, npm and apt know where theirs are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a clone")
    named = [
        (path.name, host)
        for path in (ROOT / name.decode() for name in listed.stdout.split(b"\0") if name)
        if path.is_file()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert named == []


def test_npm_that_fails_ends_setup_with_its_own_words(tmp_path):
    """`fail` and what npm said; setup itself is run in a tree where all else is there."""
    script = (ROOT / "tools/setup").read_text()
    step = re.search(r"(?ms)^ +npm_says=.*?<<<\"\$npm_says\"\)\"\n", script)
    assert step
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho npm error code E404\nexit 1\n")
    python.chmod(0o755)
    fail = next(line for line in script.splitlines() if line.startswith("fail()"))
    done = subprocess.run(
        ["bash", "-euc", f"{fail}\n{step[0]}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "npm could not install" in done.stderr and "E404" in done.stderr
