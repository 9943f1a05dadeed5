"""The packages from which a gateway is installed: those that each system needs, and their files.

uv resolves pyproject.toml for the systems that `gateway/install` supports, and `bill_of_materials`
writes the result; `download` fetches the locked files for one of the systems.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from release.sources import ROOT

GATEWAY = ROOT / "gateway"
CONSTRAINTS = GATEWAY / "constraints.txt"
LOCK = GATEWAY / "lock"
BUILDS = "setuptools==80.9.0"
"""Builds wheels from source archives; pyproject.toml requires the same version for FeverGate."""

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
GLIBC_MINOR = {(3, 11): 36, (3, 13): 41}
"""Python and glibc 2.x of Debian 12 and 13; wheels for an older glibc run, too (PEP 600)."""

PROCESSORS = ("x86_64", "aarch64")


class System(NamedTuple):
    """A Python version and processor that `gateway/install` supports."""

    python: tuple[int, int]
    machine: str

    @property
    def markers(self) -> dict[str, str]:
        """Environment markers (PEP 508) of the system that may differ from this machine's."""
        version = ".".join(map(str, self.python))
        return {
            "python_version": version,
            "python_full_version": f"{version}.2",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
        }

    @property
    def platforms(self) -> list[str]:
        """Platforms of the wheels that run on the system (PEP 600), the newest first."""
        minors = range(GLIBC_MINOR[self.python], 4, -1)
        names = [*(f"manylinux_2_{minor}" for minor in minors), "manylinux2014"]
        names += ["manylinux2010", "manylinux1", "linux"]
        return [f"{name}_{self.machine}" for name in names]

    @property
    def tags(self) -> frozenset[Tag]:
        """Tags of every wheel that runs on the system (PEP 425)."""
        interpreter = "cp{}{}".format(*self.python)
        return frozenset(
            [
                *cpython_tags(self.python, platforms=self.platforms),
                *compatible_tags(self.python, interpreter, self.platforms),
            ]
        )


SYSTEMS = tuple(System(python, machine) for python in GLIBC_MINOR for machine in PROCESSORS)


class Package(NamedTuple):
    """A version of a package, from uv.lock."""

    name: str
    version: str
    files: dict[str, str]
    """SHA-256 of each file by its name."""
    entry: dict[str, Any]


def resolve(upgrade: bool) -> list[Package]:
    """Lock pyproject.toml for `SYSTEMS` with uv. Without `upgrade`, packages that pyproject.toml
    does not name keep their version in constraints.txt."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    names = {
        re.split(r"[\[=<>;]", requirement)[0]
        for part in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in part
    }
    held_pins = [] if upgrade else [pin for name, pin in pins(CONSTRAINTS) if name not in names]
    environments = [
        f"sys_platform == 'linux' and platform_machine == '{system.machine}'"
        f" and python_version == '{system.markers['python_version']}'"
        for system in SYSTEMS
    ]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "pyproject.toml"
        settings = {
            "environments": environments,
            "constraint-dependencies": [*held_pins, BUILDS],
            "default-groups": [],
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        groups = text.index("[dependency-groups]"), text.index("[tool.setuptools.packages.find]")
        text = text[: groups[0]] + text[groups[1] :]  # without the developers' groups
        copy.write_text("\n".join([text, "[tool.uv]", *lines, ""]))
        (copy.parent / "README.md").touch()
        result = subprocess.run(["uv", "--quiet", "lock", "--directory", folder])
        if result.returncode:
            sys.exit("tools/make-lock: uv could not resolve pyproject.toml; see above")
        locked = tomllib.loads((copy.parent / "uv.lock").read_text())
    return [
        Package(
            entry["name"],
            entry["version"],
            {
                file["url"].rpartition("/")[2]: file["hash"].removeprefix("sha256:")
                for file in [*entry.get("wheels", []), *filter(None, [entry.get("sdist")])]
            },
            entry,
        )
        for entry in locked["package"]
    ]


def closure(packages: list[Package], system: System, extra: str) -> dict[str, Package]:
    """Packages that FeverGate with `extra` (empty: none) needs on a system, by name."""
    (start,) = [package for package in packages if package.name == "fevergate"]
    waiting, needed = [(start, extra)], {}
    pairs = set()
    while waiting:
        package, extra_name = waiting.pop()
        if (package.name, extra_name) in pairs:
            continue
        pairs.add((package.name, extra_name))
        needed[package.name] = package
        optional = package.entry.get("optional-dependencies", {}).get(extra_name, [])
        for needs in [*package.entry.get("dependencies", []), *optional]:
            if "marker" in needs and not Marker(needs["marker"]).evaluate(system.markers):
                continue
            (other,) = [
                package
                for package in packages
                if package.name == needs["name"]
                and needs.get("version", package.version) == package.version
            ]
            waiting += [(other, name) for name in ("", *needs.get("extra", []))]
    del needed["fevergate"]
    return needed


def fitting(package: Package, system: System) -> set[str]:
    """Files from which to install a package: every wheel that runs on the system, or else the
    source archive."""
    tags = system.tags
    wheels = {
        name
        for name in package.files
        if name.endswith(".whl") and parse_wheel_filename(name)[3] & tags
    }
    return wheels or {name for name in package.files if name.endswith(".tar.gz")}


_OF_PYTHON = ("python_version < '3.13'", "python_version >= '3.13'")
_OF_MACHINE = tuple(f"platform_machine == '{machine}'" for machine in PROCESSORS)
_OF_BOTH = tuple(f"{python} and {machine}" for python in _OF_PYTHON for machine in _OF_MACHINE)


def when(systems: Iterable[System]) -> str:
    """Environment marker that is true for exactly these of `SYSTEMS`; empty for all of them."""
    systems = set(systems)
    for marker in ("", *_OF_PYTHON, *_OF_MACHINE, *_OF_BOTH):
        holds = Marker(marker).evaluate if marker else lambda _: True
        if systems == {system for system in SYSTEMS if holds(system.markers)}:
            return marker
    raise ValueError(f"no marker for {sorted(systems)}")


def requirements(path: Path, system: System) -> str:
    """Lines of a file of gateway/lock/ that apply to a system, without their markers."""
    lines = []
    for entry in re.sub(r"(?m)^#.*\n", "", path.read_text()).replace("\\\n", "").splitlines():
        requirement, _, hashes = entry.partition("--hash")
        pin, _, marker = requirement.partition(";")
        if not marker.strip() or Marker(marker).evaluate(system.markers):
            lines.append(f"{pin.strip()} --hash{hashes}")
    return "\n".join(lines) + "\n"


def download(system: System, folder: Path, run: Callable[[list[str]], object]) -> None:
    """Download every locked file for a system into a folder and check its hash. `run` runs pip, and
    raises an error of the caller's choice if pip fails."""
    common = (*PIP, "download", "--no-deps", "--require-hashes", "--dest", str(folder))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements(LOCK / "wheels.txt", system))
        file.flush()
        run(
            [
                *(*common, "--only-binary=:all:", "--requirement", file.name),
                *(f"--platform={name}" for name in system.platforms),
                *("--implementation=cp", "--python-version={}.{}".format(*system.python)),
            ]
        )
    run([*common, "--no-binary=:all:", "--requirement", str(LOCK / "sources.txt")])


def pins(path: Path) -> Iterator[tuple[str, str]]:
    """Name and requirement of each line of constraints.txt."""
    for line in path.read_text().splitlines():
        if pin := line.partition("#")[0].strip():
            yield pin.partition("==")[0], pin
