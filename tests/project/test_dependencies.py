"""The packages of a gateway are locked, and the tests run with the locked versions."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions

import pytest
import real_micropython
from packaging.markers import Marker
from packaging.requirements import Requirement

from release import bill_of_materials, package_lock
from release.package_lock import SYSTEMS, fitting

ROOT = real_micropython.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {*PROJECT["optional-dependencies"]} - {"pins"}  # for a Pi alone; no test needs it
SBOM = json.loads(bill_of_materials.SBOM.read_text())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def counts_here(component):
    marker = bill_of_materials.property_of(component, "when")
    return not marker or Marker(marker).evaluate()


COMPONENTS = SBOM["components"]
LOCKED = {
    component["name"]: component["version"] for component in COMPONENTS if counts_here(component)
}
PINS = {
    component["name"]
    for component in COMPONENTS
    if bill_of_materials.property_of(component, "extra") == "pins"
}


def closure(extras, of="fevergate"):
    """Installed version of each distribution that `of` with its `extras` needs on this system."""
    waiting, versions, visited = [(of, extra) for extra in ("", *extras)], {}, set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in visited:
            continue
        visited.add((name, extra))
        versions[name] = distribution(name).version
        for needs in map(Requirement, distribution(name).requires or ()):
            if needs.marker is None or needs.marker.evaluate({"extra": extra}):
                waiting += [
                    (normal(needs.name), needed_extra) for needed_extra in ("", *needs.extras)
                ]
    return versions


def test_each_direct_dependency_is_locked_at_the_version_that_is_asked_for():
    groups = (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for needs in map(Requirement, itertools.chain(*groups)):
        if needs.marker is None or needs.marker.evaluate():
            assert f"=={LOCKED[normal(needs.name)]}" == str(needs.specifier)


def test_everything_that_an_extra_needs_is_locked_and_installed_at_that_version():
    versions = closure(EXTRAS)
    assert {"esptool", "numpy", "psycopg-binary"} <= set(versions)
    for name, version in versions.items():
        if name not in ("fevergate", "pip", "setuptools"):
            assert LOCKED.get(name) == version, name


def test_every_locked_package_is_needed():
    assert set(LOCKED) - PINS <= {*closure(EXTRAS), "setuptools"}


def test_the_lock_and_the_constraints_are_made_of_the_bill_of_materials():
    texts = bill_of_materials.texts(SBOM)
    assert {path for path in texts if path.parent.name == "lock"} == {*package_lock.LOCK.iterdir()}
    for path, text in texts.items():
        assert path.read_text() == text, f"{path.name}: tools/make-lock"
    assert bill_of_materials.SBOM.read_text() == bill_of_materials.shown(SBOM)


def test_the_bill_of_materials_is_cyclonedx():
    cyclonedx = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    text = bill_of_materials.SBOM.read_text()
    assert cyclonedx.JsonStrictValidator(schema).validate_str(text) is None


@pytest.mark.parametrize(
    "system", SYSTEMS, ids=lambda system: f"{system.machine}-{system.python[1]}"
)
def test_every_package_has_a_file_for_each_system(system):
    """Each has a wheel, except packages of pure Python that are listed in sources.txt."""
    sources = (package_lock.LOCK / "sources.txt").read_text()
    for component in COMPONENTS:
        marker = bill_of_materials.property_of(component, "when")
        if marker and not Marker(marker).evaluate(system.markers):
            continue
        files = {
            file["url"]: file["hashes"][0]["content"] for file in component["externalReferences"]
        }
        package = package_lock.Package(component["name"], component["version"], files, {})
        fits = fitting(package, system)
        wheels = {name for name in fits if name.endswith(".whl")}
        assert fits and (wheels or f"\n{component['name']}==" in sources), component["name"]


def test_pip_takes_no_file_but_those_of_the_lock(tmp_path):
    """Each line has a hash. If one line lacks its hash, pip refuses all (its documentation, "Secure
    installs")."""
    for path in package_lock.LOCK.iterdir():
        for system in SYSTEMS:
            lines = package_lock.requirements(path, system).splitlines()
            assert lines
            for line in lines:
                assert re.fullmatch(r"[a-z0-9-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", line), line


def test_a_locks_markers_are_judged_for_the_system_that_is_asked_for(tmp_path):
    """The system that the test runs on makes no difference."""
    (tmp_path / "lock.txt").write_text(
        "# made\na==1 ; python_version < '3.13' \\\n    --hash=sha256:1\n"
        "b==2 ; python_version >= '3.13' and platform_machine == 'aarch64' \\\n"
        "    --hash=sha256:2 \\\n    --hash=sha256:3\n"
    )
    texts = [package_lock.requirements(tmp_path / "lock.txt", system) for system in SYSTEMS]
    first = "a==1 --hash=sha256:1\n"
    assert [" ".join(text.split()) for text in texts] == [
        *([first.strip()] * 2),
        "",
        "b==2 --hash=sha256:2 --hash=sha256:3",
    ]


GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def of_group(name):
    """Distributions that a dependency group of pyproject.toml asks for, and the distributions that
    these need on this system."""
    names = set()
    for entry in GROUPS[name]:
        if isinstance(entry, dict):
            names |= of_group(entry["include-group"])
            continue
        needs = Requirement(entry)
        if needs.marker is None or needs.marker.evaluate():
            names |= {normal(name) for name in closure(needs.extras, needs.name)}
    return names


WITHOUT = """
import sys
missing = set(sys.argv[1].split())
class Missing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
sys.meta_path.insert(0, Missing)
import pytest
plugins = [word for name in ("xdist", "pytest_timeout") for word in ("-p", name)]
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *plugins, sys.argv[2]]))
"""


def test_the_firmwares_tests_ask_for_no_more_than_is_installed_for_them():
    """On a Pi it would take an hour to install what the other tests need."""
    installed = of_group("firmware") | {"fevergate"}
    missing = [
        module
        for module, distributions in packages_distributions().items()
        if not installed & {normal(name) for name in distributions}
    ]
    assert {"msgspec", "xdist"}.isdisjoint(missing) and {"click", "esptool"} <= {*missing}
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, " ".join(missing), "tests/firmware"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tests/firmware/test_captive_portal.py::" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "group"),
    [
        ((), "test"),
        (("-k", "red_light"), "test"),
        (("tests/firmware",), "firmware"),
        (
            ("-x", "tests/firmware/test_captive_portal.py::test_an_answer_is_never_answered"),
            "firmware",
        ),
        (("tests/firmware", "tests/system"), "test"),
        (("tests/gateway", "tests/firmware"), "test"),
    ],
)
def test_what_is_set_up_is_what_the_named_tests_need(tmp_path, arguments, group):
    """Runs the real `tools/test`; each program that it calls is replaced by a script that only
    prints its call."""
    for name in (
        "tools/setup",
        *(f".venv/bin/{name}" for name in ("ruff", "lint-imports", "pytest")),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '#!/bin/sh\necho "${0##*/} $*${PYTHONDONTWRITEBYTECODE:+ writes no bytecode}"\n'
        )
        path.chmod(0o755)
    shutil.copy(ROOT / "tools/test", tmp_path / "tools/test")
    lines = subprocess.run(
        [tmp_path / "tools/test", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    ).stdout.splitlines()
    assert lines[0] == f"setup {group} writes no bytecode"
    assert lines[-1].startswith("pytest ") and lines[-1].endswith(" ".join(arguments))
    assert "writes no bytecode" not in lines[-1]
    assert any(line.startswith("lint-imports") for line in lines) is (group == "test")


REGISTRIES = [
    ".".join(parts)
    for parts in (
        *(("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")),
        *(("deb", "debian", "org"), ("security", "debian", "org"), ("ftp", "debian", "org")),
        *(("snapshot", "debian", "org"), ("raspberrypi", "com/debian"), ("raspbian", "org")),
    )
]


def test_no_file_names_a_package_registrys_host():
    """People who build the project may use mirrors, which they set in pip, npm and apt."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a clone")
    mentions = [
        (path.name, host)
        for path in (ROOT / name.decode() for name in listed.stdout.split(b"\0") if name)
        if path.is_file()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert mentions == []


def test_a_failing_npm_ends_setup_and_its_message_is_shown(tmp_path):
    """Runs only the step of setup that calls npm, with its function `fail`."""
    script = (ROOT / "tools/setup").read_text()
    step = re.search(r"(?ms)^ +npm_says=.*?<<<\"\$npm_says\"\)\"\n", script)
    assert step
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho npm error code E404\nexit 1\n")
    python.chmod(0o755)
    fail = next(line for line in script.splitlines() if line.startswith("fail()"))
    result = subprocess.run(
        ["bash", "-euc", f"{fail}\n{step[0]}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "npm could not install" in result.stderr and "E404" in result.stderr
