"""`tools/make-lock`: which package files a gateway is installed from, by their hashes.

uv resolves pyproject.toml for the systems that `gateway/install` serves. What came of it is written
as a bill of materials, gateway/sbom.cdx.json (CycloneDX 1.6, cyclonedx.org/docs/1.6/json), from
which the other files are made: gateway/lock/ for pip's `--require-hashes`, and
gateway/constraints.txt for whoever installs without hashes. Locked versions stay as they are, but
for what pyproject.toml asks for anew; `--upgrade` takes the newest of what it leaves open.
写出网关所用每个软件包文件的哈希与软件物料清单。
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "gateway"
SBOM = GATEWAY / "sbom.cdx.json"
CONSTRAINTS = GATEWAY / "constraints.txt"
LOCK = GATEWAY / "lock"
BUILDS = "setuptools==80.9.0"
"""Builds wheels from source archives; pyproject.toml requires the same for ours."""

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
PLOT = "plot"
"""The extra that is not installed on a gateway."""

GLIBC_MINOR = {(3, 11): 36, (3, 13): 41}
"""Python and glibc 2.x of Debian 12 and 13; wheels for an older glibc run, too (PEP 600)."""

PROCESSORS = ("x86_64", "aarch64")


class System(NamedTuple):
    """A Python version and processor that `gateway/install` supports."""

    python: tuple[int, int]
    machine: str

    @property
    def markers(self) -> dict[str, str]:
        """Environment markers (PEP 508)."""
        version = ".".join(map(str, self.python))
        return {
            "python_version": version,
            "python_full_version": f"{version}.2",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    @property
    def platforms(self) -> list[str]:
        """Platforms of the wheels that run there (PEP 600), the newest first."""
        minors = range(GLIBC_MINOR[self.python], 4, -1)
        names = [*(f"manylinux_2_{minor}" for minor in minors), "manylinux2014"]
        names += ["manylinux2010", "manylinux1", "linux"]
        return [f"{name}_{self.machine}" for name in names]

    @property
    def tags(self) -> frozenset[Tag]:
        """Tags of every wheel that runs there (PEP 425)."""
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
    """Lock pyproject.toml for `SYSTEMS` with uv; packages that it does not name keep the version of
    constraints.txt, unless `upgrade`."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    asked = {
        re.split(r"[\[=<>;]", requirement)[0]
        for some in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in some
    }
    kept = [] if upgrade else [pin for name, pin in pins(CONSTRAINTS) if name not in asked]
    environments = [
        f"sys_platform == 'linux' and platform_machine == '{system.machine}'"
        f" and python_version == '{system.markers['python_version']}'"
        for system in SYSTEMS
    ]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "pyproject.toml"
        settings = {
            "environments": environments,
            "constraint-dependencies": [*kept, BUILDS],
            "default-groups": [],
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        groups = text.index("[dependency-groups]"), text.index("[tool.setuptools.packages.find]")
        text = text[: groups[0]] + text[groups[1] :]  # without the developers' groups
        copy.write_text("\n".join([text, "[tool.uv]", *lines, ""]))
        (copy.parent / "README.md").touch()
        done = subprocess.run(["uv", "--quiet", "lock", "--directory", folder])
        if done.returncode:
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
    seen = set()
    while waiting:
        package, wanted = waiting.pop()
        if (package.name, wanted) in seen:
            continue
        seen.add((package.name, wanted))
        needed[package.name] = package
        optional = package.entry.get("optional-dependencies", {}).get(wanted, [])
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
    """Files to install a package from: every wheel that runs there, else the source archive."""
    tags = system.tags
    wheels = {
        name
        for name in package.files
        if name.endswith(".whl") and parse_wheel_filename(name)[3] & tags
    }
    return wheels or {name for name in package.files if name.endswith(".tar.gz")}


def when(systems: Iterable[System]) -> str:
    """Environment marker that holds for these of `SYSTEMS` alone; empty for all."""
    systems = set(systems)
    if systems == set(SYSTEMS):
        return ""
    if systems == {system for system in SYSTEMS if system.python == (3, 11)}:
        return "python_version < '3.13'"
    if systems == {system for system in SYSTEMS if system.python == (3, 13)}:
        return "python_version >= '3.13'"
    for machine in PROCESSORS:
        own = {system for system in SYSTEMS if system.machine == machine}
        if systems == own:
            return f"platform_machine == '{machine}'"
        if len(systems) == 1 and systems < own:
            others = {
                system for system in SYSTEMS if {system.python} == {s.python for s in systems}
            }
            return f"{when(others)} and platform_machine == '{machine}'"
    raise ValueError(f"no marker for {sorted(systems)}")


def bill(packages: list[Package]) -> dict[str, Any]:
    """The bill of materials (CycloneDX)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = ["", *sorted(project["optional-dependencies"])]
    needed = {(s, extra): closure(packages, s, extra) for s in SYSTEMS for extra in extras}
    components, edges = [], []
    for package in sorted(packages):
        where = {key for key, some in needed.items() if some.get(package.name) == package}
        if not where:
            continue
        systems = {system for system, _ in where}
        kinds = {file.endswith(".whl") for s in systems for file in fitting(package, s)}
        if len(kinds) > 1:
            sys.exit(f"tools/make-lock: {package.name} has a wheel for some systems alone")
        files = sorted(set().union(*(fitting(package, system) for system in systems)))
        only = "" if any(not extra for _, extra in where) else sorted({e for _, e in where})[0]
        properties = {"fevergate:when": when(systems), "fevergate:extra": only}
        components.append(
            {
                "type": "library",
                "bom-ref": _purl(package),
                "name": package.name,
                "version": package.version,
                "purl": _purl(package),
                **_licences(package.name),
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": file,
                        "hashes": [{"alg": "SHA-256", "content": package.files[file]}],
                    }
                    for file in files
                ],
                "properties": [
                    {"name": name, "value": value} for name, value in properties.items() if value
                ],
            }
        )
    known = {(one["name"], one["version"]): one["bom-ref"] for one in components}
    for package in sorted(packages):
        if package.name != "fevergate" and (package.name, package.version) not in known:
            continue
        optional = package.entry.get("optional-dependencies", {}).values()
        names = {
            needs["name"]
            for some in (package.entry.get("dependencies", []), *optional)
            for needs in some
        }
        ref = known.get((package.name, package.version), f"fevergate@{project['version']}")
        on = sorted(ref for (name, _), ref in known.items() if name in names)
        edges.append({"ref": ref, "dependsOn": on})
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"fevergate@{project['version']}",
                "name": "fevergate",
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": edges,
    }


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _licences(name: str) -> dict[str, Any]:
    """Licences that the installed package states; empty if it states none or is not installed."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return {}
    classified = [
        line.split(" :: ")[-1]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and line.count(" :: ") > 1
    ]
    said = [text for key in ("License-Expression", "License") for text in about.get_all(key) or []]
    short = str(next(filter(None, said), "")).strip()
    names = [short] if short and "\n" not in short and len(short) < 80 else classified
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def property_of(component: dict[str, Any], name: str) -> str:
    """A component's property `fevergate:NAME`, or empty."""
    found = [one["value"] for one in component["properties"] if one["name"] == f"fevergate:{name}"]
    return found[0] if found else ""


def shown(sbom: dict[str, Any]) -> str:
    """The bill as JSON, with a line for each package, so that diffs are readable."""
    lines = []
    for key, value in sbom.items():
        if isinstance(value, list):
            value = ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value)
            lines.append(f' "{key}": [\n{value}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def texts(sbom: dict[str, Any]) -> dict[Path, str]:
    """Texts of constraints.txt and lock/, made from the bill of materials."""
    parts: dict[str, list[str]] = {"wheels": [], "sources": [], PLOT: []}
    users: dict[str, set[str]] = {}
    for edge in sbom["dependencies"]:
        for ref in edge["dependsOn"]:
            users.setdefault(ref, set()).add(edge["ref"].removeprefix("pkg:pypi/").split("@")[0])
    versions = []
    for component in sbom["components"]:
        pin, marker = f"{component['name']}=={component['version']}", property_of(component, "when")
        asked = f"{pin} ; {marker}" if marker else pin
        versions.append(f"{asked:<25} # via {', '.join(sorted(users[component['bom-ref']]))}")
        files = component["externalReferences"]
        hashes = [f"--hash=sha256:{file['hashes'][0]['content']}" for file in files]
        source = all(file["url"].endswith(".tar.gz") for file in files)
        part = PLOT if property_of(component, "extra") == PLOT else "wheels"
        parts["sources" if source else part].append(" \\\n    ".join([asked, *hashes]))
    made = "# Made by tools/make-lock from sbom.cdx.json.\n"
    about = {
        "wheels": "# What a gateway is installed from, by pip's --require-hashes.\n",
        "sources": "# What PyPI has no wheel of: built on the spot, by a user who may nothing.\n",
        PLOT: "# Beside that, for `fevergate evaluate --plot`; no gateway has it.\n",
    }
    head = "# Every package of a gateway, with every extra, at the version that is tested.\n"
    return {
        CONSTRAINTS: head + made + "\n".join(versions) + "\n",
        **{
            LOCK / f"{name}.txt": "\n".join([(about[name] + made).rstrip(), *lines, ""])
            for name, lines in parts.items()
        },
    }


def requirements(path: Path, system: System) -> str:
    """Lines of a file of gateway/lock/ that apply to a system, without their markers."""
    wanted = []
    for entry in re.sub(r"(?m)^#.*\n", "", path.read_text()).replace("\\\n", "").splitlines():
        asked, _, hashes = entry.partition("--hash")
        pin, _, marker = asked.partition(";")
        if not marker.strip() or Marker(marker).evaluate(system.markers):
            wanted.append(f"{pin.strip()} --hash{hashes}")
    return "\n".join(wanted) + "\n"


def download(system: System, folder: Path, run: Callable[[list[str]], object]) -> None:
    """Download every locked file for a system into a folder, each checked by its hash; `run` runs
    pip, and raises the caller's error if it fails."""
    common = (*PIP, "download", "--no-deps", "--require-hashes", "--dest", str(folder))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(requirements(LOCK / "wheels.txt", system))
        wanted.flush()
        run(
            [
                *(*common, "--only-binary=:all:", "--requirement", wanted.name),
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


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/make-lock",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--upgrade", action="store_true", help="newest versions 取最新版本")
    sbom = bill(resolve(parser.parse_args().upgrade))
    SBOM.write_text(shown(sbom))
    LOCK.mkdir(exist_ok=True)
    for path, text in texts(sbom).items():
        path.write_text(text)
    print(
        f"{len(sbom['components'])} packages: {SBOM.relative_to(ROOT)}, {LOCK.relative_to(ROOT)}/"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
