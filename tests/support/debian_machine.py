"""A complete Debian, made from Debian's packages, that boots with its own systemd. It is like a
Pi's, but has no GPIO pins and no network except its loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from uuid import uuid4

from release.apt_mirrors import mirrors

SUITE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "mosquitto", "mosquitto-clients", "python3"),
    *("python3-venv", "chrony", "fonts-wqy-microhei", "unattended-upgrades", "ca-certificates"),
    "nftables",
)
CHANGES_MB = 3000
"""Memory for all files that an installation and its upgrades write."""

UP_S = 300
MADE_S = 1500
"""Longest time to make a Debian, or to install in it, on a machine that is busy with other work."""


@cache
def why_not() -> str | None:
    """Why this machine cannot boot another one, or None."""
    if os.geteuid() != 0:
        return "only root can boot a machine"
    if not mirrors():
        return "apt's sources name no mirror of Debian"
    for program in ("mmdebstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is missing"
    probe = subprocess.run(
        [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"),
            *("--machine=fevergate-probe", "--volatile=yes", "--directory=/", "/bin/true"),
        ],
        capture_output=True,
        text=True,
    )
    return f"no machine in this one: {probe.stderr.strip()[-200:]}" if probe.returncode else None


def bootstrap(root: Path) -> None:
    """Make a minimal Debian with the packages that the installer needs, from this machine's
    mirror."""
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
            "--dpkgopt=force-unsafe-io",  # no fsync: the machine does not outlive the test
            *(f"--include={','.join(PACKAGES)}", SUITE, str(root), mirrors()[0]),
        ],
        check=True,
        timeout=MADE_S,
    )


@contextmanager
def copied(debian: Path, folder: Path) -> Iterator[Path]:
    """A copy of a Debian. With enough memory it is an overlay whose changes are kept in memory,
    because writing packages to a disk and deleting them takes longer than unpacking them."""
    root = folder / "root"
    root.mkdir()
    if _available_mb() < 2 * CHANGES_MB or not _laid_over(debian, folder, root):
        subprocess.run(["cp", "-a", f"{debian}/.", str(root)], check=True)
        yield root
        return
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", str(root), str(folder / "memory")], check=True)


def _available_mb() -> int:
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(facts["MemAvailable"].removesuffix("kB")) // 1024


def _laid_over(debian: Path, folder: Path, root: Path) -> bool:
    memory = folder / "memory"
    memory.mkdir()
    mount = partial(subprocess.run, capture_output=True)
    if mount(["mount", "-t", "tmpfs", "-o", f"size={CHANGES_MB}m", "tmpfs", memory]).returncode:
        return False
    (memory / "changes").mkdir()
    (memory / "work").mkdir()
    layers = f"lowerdir={debian},upperdir={memory}/changes,workdir={memory}/work"
    if mount(["mount", "-t", "overlay", "-o", layers, "overlay", root]).returncode == 0:
        return True
    subprocess.run(["umount", memory], check=True)
    return False


class Machine:
    """Boots the Debian in `root`; `run` runs a command in it, `pull_the_plug` cuts its power."""

    def __init__(self, root: Path, shared: Path) -> None:
        """`shared` is a folder that the machine sees, read-only, as /srv/shared."""
        self.root = root
        self._shared = shared
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    @property
    def leader(self) -> int:
        """PID, on the host, of the machine's systemd."""
        return self._leader

    def boot(self) -> None:
        """Start the machine, and wait until systemd says that it is up."""
        self._process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
                *("--private-network", "--console=passive", f"--directory={self.root}"),
                f"--machine=fevergate-{uuid4().hex[:12]}",  # the name must be unique
                f"--bind-ro={self._shared}:/srv/shared",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        until = time.monotonic() + UP_S
        while time.monotonic() < until:
            for child in children.read_text().split():
                self._leader = int(child)
                if self._up():
                    return
            time.sleep(0.3)
        raise AssertionError(f"the machine in {self.root} does not come up")

    def _up(self) -> bool:
        name = Path(f"/proc/{self._leader}/comm")
        if not name.exists() or name.read_text().strip() != "systemd":
            return False
        state = self.run("systemctl is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(
        self, command: str, *, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the machine."""
        result = subprocess.run(
            [
                *("nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net"),
                *("--pid", "--root", "env", "-i", "LANG=C.UTF-8", "HOME=/root"),
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                *(f"{name}={value}" for name, value in environment.items()),
                *("sh", "-c", f"cd /; {command}"),
            ],
            capture_output=True,
            text=True,
            timeout=MADE_S,
        )
        assert not check or result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result

    def active(self, unit: str) -> bool:
        """Whether systemd says that a unit runs."""
        return self.run(f"systemctl is-active {unit}", check=False).stdout.strip() == "active"

    def files(self) -> set[str]:
        """Paths of all files of the system, except the folders in which running programs keep
        their data."""
        skipped = ("/proc", "/sys", "/dev", "/run", "/tmp", "/srv/shared")
        skipped += ("/var/log", "/var/lib", "/var/tmp")
        skip = " -o ".join(f"-path {folder}" for folder in skipped)
        paths = self.run(f"find / -xdev \\( {skip} \\) -prune -o -print").stdout.split("\n")
        return {path for path in paths if "__pycache__" not in path}

    def shut_down(self) -> None:
        """Shut down properly: systemd stops everything, then the machine is off."""
        assert self._process
        self.run("systemctl poweroff --no-block")
        self._process.wait(UP_S)
        self._process = None

    def pull_the_plug(self) -> None:
        """Cut the power: every process of the machine is killed at once."""
        if self._process:
            os.killpg(self._process.pid, 9)
            subprocess.run(["kill", "-9", str(self._leader)], capture_output=True)
            self._process.wait()
            until = time.monotonic() + UP_S
            while Path(f"/proc/{self._leader}").exists() and time.monotonic() < until:
                time.sleep(0.1)
            self._process = None
