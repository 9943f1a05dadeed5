"""What a gateway is installed from is locked, and is what the tests ran with."""

import itertools
import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution

import pytest
import real_micropython
from packaging.markers import Marker
from packaging.requirements import Requirement

import package_lock
from package_lock import SYSTEMS, fitting

ROOT = real_micropython.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {*PROJECT["optional-dependencies"]} - {"pins"}  # a Pi's, which no test needs
SBOM = json.loads(package_lock.SBOM.read_text())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def counts_here(component):
    marker = package_lock.property_of(component, "when")
    return not marker or Marker(marker).evaluate()


LOCKED = {one["name"]: one["version"] for one in SBOM["components"] if counts_here(one)}
PINS = {
    one["name"] for one in SBOM["components"] if package_lock.property_of(one, "extra") == "pins"
}


def closure(extras):
    """Every distribution that `fevergate` needs here, by what is installed."""
    waiting, found, seen = [("fevergate", extra) for extra in ("", *extras)], {}, set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = distribution(name).version
        for needs in map(Requirement, distribution(name).requires or ()):
            if needs.marker is None or needs.marker.evaluate({"extra": extra}):
                waiting += [(normal(needs.name), wanted) for wanted in ("", *needs.extras)]
    return found


def test_what_is_asked_for_is_locked_at_the_same_version():
    some = (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for needs in map(Requirement, itertools.chain(*some)):
        if needs.marker is None or needs.marker.evaluate():
            assert f"=={LOCKED[normal(needs.name)]}" == str(needs.specifier)


def test_what_every_extra_needs_is_locked_and_installed_as_locked():
    found = closure(EXTRAS)
    assert {"esptool", "numpy", "psycopg-binary"} <= set(found)
    for name, version in found.items():
        if name not in ("fevergate", "pip", "setuptools"):
            assert LOCKED.get(name) == version, name


def test_nothing_is_locked_that_nobody_needs():
    assert set(LOCKED) - PINS <= {*closure(EXTRAS), "setuptools"}


def test_the_lock_and_the_constraints_are_made_of_the_bill_of_materials():
    texts = package_lock.texts(SBOM)
    assert {path for path in texts if path.parent.name == "lock"} == {*package_lock.LOCK.iterdir()}
    for path, text in texts.items():
        assert path.read_text() == text, f"{path.name}: tools/make-lock"
    assert package_lock.SBOM.read_text() == package_lock.shown(SBOM)


def test_the_bill_of_materials_is_cyclonedx():
    cyclonedx = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    text = package_lock.SBOM.read_text()
    assert cyclonedx.JsonStrictValidator(schema).validate_str(text) is None


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: f"{one.machine}-{one.python[1]}")
def test_every_package_has_a_file_for_each_system(system):
    """A wheel; but for those whose source is Python alone, which are in sources.txt."""
    sources = (package_lock.LOCK / "sources.txt").read_text()
    for one in SBOM["components"]:
        marker = package_lock.property_of(one, "when")
        if marker and not Marker(marker).evaluate(system.markers):
            continue
        files = {file["url"]: file["hashes"][0]["content"] for file in one["externalReferences"]}
        package = package_lock.Package(one["name"], one["version"], files, {})
        fits = fitting(package, system)
        wheels = {name for name in fits if name.endswith(".whl")}
        assert fits and (wheels or f"\n{one['name']}==" in sources), one["name"]


def test_pip_takes_no_file_but_those_of_the_lock(tmp_path):
    """Each line has a hash: without one pip refuses them all (its documentation, "Secure
    installs")."""
    for path in package_lock.LOCK.iterdir():
        for system in SYSTEMS:
            lines = package_lock.requirements(path, system).splitlines()
            assert lines
            for line in lines:
                assert re.fullmatch(r"[a-z0-9-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", line), line


def test_another_pythons_packages_are_its_own(tmp_path):
    """Markers are judged by the system that is asked for, not by this one."""
    (tmp_path / "lock.txt").write_text(
        "# made\na==1 ; python_version < '3.13' \\\n    --hash=sha256:1\n"
        "b==2 ; python_version >= '3.13' and platform_machine == 'aarch64' \\\n"
        "    --hash=sha256:2 \\\n    --hash=sha256:3\n"
    )
    told = [package_lock.requirements(tmp_path / "lock.txt", system) for system in SYSTEMS]
    first = "a==1 --hash=sha256:1\n"
    assert [" ".join(text.split()) for text in told] == [
        *([first.strip()] * 2),
        "",
        "b==2 --hash=sha256:2 --hash=sha256:3",
    ]


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
