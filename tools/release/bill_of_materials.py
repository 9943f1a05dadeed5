"""`tools/make-lock`: locks the package files that a gateway is installed from, by their hashes.

uv resolves the packages (`package_lock`). The result is a bill of materials, gateway/sbom.cdx.json
(CycloneDX 1.6, cyclonedx.org/docs/1.6/json). Two others are made from it: gateway/lock/ for pip's
`--require-hashes`, and gateway/constraints.txt for an installation without hashes. Locked versions
stay, unless pyproject.toml now requires others; `--upgrade` takes the newest versions that
pyproject.toml allows.
写出网关所用每个软件包文件的哈希与软件物料清单。
"""

import argparse
import json
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from release.package_lock import (
    CONSTRAINTS,
    GATEWAY,
    LOCK,
    SYSTEMS,
    Package,
    System,
    closure,
    fitting,
    resolve,
    when,
)
from release.sources import ROOT

SBOM = GATEWAY / "sbom.cdx.json"
PLOT = "plot"
"""The extra that is not installed on a gateway."""


def bill(packages: list[Package]) -> dict[str, Any]:
    """The bill of materials (CycloneDX)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = ["", *sorted(project["optional-dependencies"])]
    needed = {(s, extra): closure(packages, s, extra) for s in SYSTEMS for extra in extras}
    components, refs = [], {}
    for package in sorted(packages):
        targets = {key for key, names in needed.items() if names.get(package.name) == package}
        if targets:
            components.append(_component(package, targets))
            refs[package.name, package.version] = _purl(package)
    product = f"fevergate@{project['version']}"
    edges = []
    for package in sorted(packages):
        ref = product if package.name == "fevergate" else refs.get((package.name, package.version))
        if ref:
            optional = package.entry.get("optional-dependencies", {}).values()
            parts = (package.entry.get("dependencies", []), *optional)
            names = {needs["name"] for part in parts for needs in part}
            on = sorted(other for (name, _), other in refs.items() if name in names)
            edges.append({"ref": ref, "dependsOn": on})
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": "fevergate",
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": edges,
    }


def _component(package: Package, targets: set[tuple[System, str]]) -> dict[str, Any]:
    """The bill's entry of a package; `targets` are the systems and extras that need it."""
    systems = {system for system, _ in targets}
    files = sorted(set().union(*(fitting(package, system) for system in systems)))
    if len({file.endswith(".whl") for file in files}) > 1:
        sys.exit(f"tools/make-lock: {package.name} has a wheel for some systems alone")
    only = min(extra for _, extra in targets)
    properties = {"fevergate:when": when(systems), "fevergate:extra": only}
    return {
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


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _licences(name: str) -> dict[str, Any]:
    """Licences stated by the installed package; empty if it states none or is not installed."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return {}
    classified = [
        line.split(" :: ")[-1]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and line.count(" :: ") > 1
    ]
    stated = [
        text for key in ("License-Expression", "License") for text in about.get_all(key) or []
    ]
    short = str(next(filter(None, stated), "")).strip()
    names = [short] if short and "\n" not in short and len(short) < 80 else classified
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def property_of(component: dict[str, Any], name: str) -> str:
    """A component's property `fevergate:NAME`, or empty."""
    values = {row["name"]: row["value"] for row in component["properties"]}
    return values.get(f"fevergate:{name}", "")


def shown(sbom: dict[str, Any]) -> str:
    """The bill as JSON, with a line for each package, so that diffs are readable."""
    lines = []
    for key, value in sbom.items():
        if isinstance(value, list):
            value = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
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
        requirement = f"{pin} ; {marker}" if marker else pin
        versions.append(f"{requirement:<25} # via {', '.join(sorted(users[component['bom-ref']]))}")
        files = component["externalReferences"]
        hashes = [f"--hash=sha256:{file['hashes'][0]['content']}" for file in files]
        source = all(file["url"].endswith(".tar.gz") for file in files)
        part = PLOT if property_of(component, "extra") == PLOT else "wheels"
        parts["sources" if source else part].append(" \\\n    ".join([requirement, *hashes]))
    note = "# Made by tools/make-lock from sbom.cdx.json.\n"
    about = {
        "wheels": "# What a gateway is installed from, by pip's --require-hashes.\n",
        "sources": "# What PyPI has no wheel of: built on the spot, by a user who may nothing.\n",
        PLOT: "# Beside that, for `fevergate evaluate --plot`; no gateway has it.\n",
    }
    head = "# Every package of a gateway, with every extra, at the version that is tested.\n"
    return {
        CONSTRAINTS: head + note + "\n".join(versions) + "\n",
        **{
            LOCK / f"{name}.txt": "\n".join([(about[name] + note).rstrip(), *lines, ""])
            for name, lines in parts.items()
        },
    }


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/make-lock",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions 取最新版本"
    )
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
