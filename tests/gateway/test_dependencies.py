"""What a gateway is installed from is locked, and is what the tests ran with."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

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
