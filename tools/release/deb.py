"""`tools/make-deb`: packs gateway/install and all that it needs into one Debian package, which runs
gateway/install when it is installed. 把安装程序及其所需全部文件打成 Debian 包。"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

from fevergate import __version__
from fevergate.errors import FeverGateError
from release.manual import page
from release.package_lock import PIP, SYSTEMS, download
from release.sources import ROOT, copy_sources

GATEWAY = ROOT / "gateway"
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}
PLACE = "usr/lib/fevergate"
CARRIED = ("install", "lock", "machine", "sbom.cdx.json", "systemd")


class PackagingError(FeverGateError, RuntimeError):
    """The package cannot be built; the text names a missing program, or quotes the last lines of
    the one that failed."""


def build(out: Path, architecture: str, wheels: Path | None, written_at: float) -> Path:
    """Build fevergate_VERSION_ARCHITECTURE.deb in `out`, for Debian 12 and 13.

    Its Python packages are taken from the folder `wheels`, or else downloaded by pip. Raises
    `PackagingError`.
    """
    for program in ("dpkg-buildpackage", "dh"):
        if shutil.which(program) is None:
            raise PackagingError(f"{program}: not found; apt-get install debhelper dpkg-dev")
    with tempfile.TemporaryDirectory(prefix="fevergate-deb-") as folder:
        tree = Path(folder) / "fevergate"
        place = tree / "root" / PLACE
        place.mkdir(parents=True)
        for name in CARRIED:
            source = GATEWAY / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, place / name)
        if wheels:
            shutil.copytree(wheels, place / "wheels", ignore=shutil.ignore_patterns("fevergate-*"))
        else:
            for system in SYSTEMS:
                if system.machine == PROCESSORS[architecture]:
                    download(system, place / "wheels", _run)
        source = copy_sources(Path(folder) / "source")
        _run([*PIP, "wheel", "--no-deps", "--wheel-dir", str(place / "wheels"), str(source)])
        for path in (place / "wheels").iterdir():
            path.chmod(0o644)
        _debian(tree, written_at)
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
        (package,) = Path(folder).glob("fevergate_*.deb")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(package, out / package.name))


def _debian(tree: Path, written_at: float) -> None:
    """Write debian/; changelog, licences and manual are made from the project."""
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
    (debian / "copyright").write_text(
        f"FeverGate\n\n{(ROOT / 'LICENSE').read_text()}\n"
        f"What lies in /{PLACE}/wheels is other people's: each with its licence is in\n"
        f"/{PLACE}/sbom.cdx.json, and its text in the wheel's own .dist-info.\n"
        "The GNU licences are in /usr/share/common-licenses (GPL-2, GPL-3, LGPL-3).\n"
    )
    (debian / "fevergate.1").write_text(page(formatdate(written_at)[5:16].strip()))


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if result.returncode:
        last = (result.stdout + result.stderr).strip().splitlines()[-8:]
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

Then, on the Pi:  sudo apt-get install ./fevergate_*.deb
""",
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build", help="folder for the package 输出目录"
    )
    parser.add_argument(
        "--architecture", choices=sorted(PROCESSORS), help="default: this machine's 默认本机"
    )
    parser.add_argument("--wheels", type=Path, help="folder with the Python packages 离线包目录")
    arguments = parser.parse_args()
    result = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True)
    try:
        package = build(
            arguments.out,
            arguments.architecture or result.stdout.strip(),
            arguments.wheels,
            (ROOT / "CHANGELOG.md").stat().st_mtime,
        )
    except PackagingError as error:
        print(f"tools/make-deb: {error}", file=sys.stderr)
        return 1
    print(package)
    return 0


if __name__ == "__main__":
    sys.exit(main())
