"""Builds the card that the emulated Pi boots from, by the steps of an image builder.

Each stage is cached, and built again when its inputs have changed: Debian's packages, the Python
packages for the Pi's processor, the image with the gateway installed, the image with a campus.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from emulated_pi.arguments import SUITES
from emulated_pi.errors import PiCheckError
from emulated_pi.machine import QEMU, Power
from release.apt_mirrors import mirrors
from release.package_lock import System, download
from release.sources import ROOT, SOURCES, copy_sources

GUEST = Path(__file__).parent / "guest"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "linux-image-arm64", "initramfs-tools"),
    *("mosquitto", "mosquitto-clients", "python3", "python3-venv"),
    *("chrony", "fonts-wqy-microhei", "unattended-upgrades"),
    *("i2c-tools", "iproute2", "nftables", "procps"),
)
"""Packages to boot, and those that gateway/install needs: the Pi has no network to fetch them."""

TOOLS = {
    QEMU: "qemu-system-arm",
    "qemu-aarch64-static": "qemu-user-static",
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "systemd-nspawn": "systemd-container",
    "mke2fs": "e2fsprogs",
    "fdtput": "device-tree-compiler",
}
INITRD = (
    'cd "$1"; mkdir -p etc/initramfs-tools/conf.d usr/share/initramfs-tools/modules.d;'
    " echo MODULES=list >etc/initramfs-tools/conf.d/pi-check; cd usr/share/initramfs-tools;"
    " printf '%s\\n' bcm2835 sdhci_iproc mmc_block ext4 >modules.d/pi-check"
)
"""Limits the initrd to the modules that read the card; with all of them, it takes ten minutes."""

CARD_BYTES = 4 << 30
"""Size of the card; QEMU requires a power of two."""

PROCESSOR = "cortex-a53"
"""The Pi 3's processor, for the programs that qemu-user runs here. qemu's default processor
emulates pointer authentication, which Debian 13's programs use, and takes 12 times as long."""

SHARED = "srv/pi-check"
"""Folder on the card that holds the source and the wheels."""

DEVICE_TREE = "usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb"


def why_not() -> str | None:
    """Message about what this machine lacks to build and boot a Pi, or None."""
    if os.geteuid() != 0:
        return "please run it as root: it makes a whole system, with its users and devices"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)]
    if missing:
        return f"please run: apt-get install {' '.join(missing)}"
    if not mirrors():
        return "apt's sources (/etc/apt/sources.list*) name no mirror of Debian's main"
    return None


def cache() -> Path:
    """Folder in which the stages are cached."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fevergate/pi-check"


class Card:
    """Builds the card of one suite; `path` is its image, `power` boots it."""

    def __init__(self, suite: str, say: Callable[[str], None]) -> None:
        self.suite, self._say = suite, say
        self._folder = cache() / suite
        self.path = self._folder / "card.img"

    @property
    def power(self) -> Power:
        """Kernel, initrd and device tree of the system on the card."""
        folder = self._folder / "boot"
        return Power(folder / "vmlinuz", folder / "initrd.img", folder / "pi.dtb")

    @property
    def installed(self) -> Path:
        """The image before a campus is made on it."""
        return self._folder / "installed.img"

    def build(self, commands: str, provision: Callable[[Path], None]) -> None:
        """Build the stages that are missing or outdated. `provision` boots a copy of `installed`,
        runs `commands` there, and leaves the image at the given path. Raises `PiCheckError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        base = _digest(self.suite, INITRD, *PACKAGES)
        self._stage("system", base, self._bootstrap)
        self._stage("wheels", _digest(*contents(["gateway/lock"])), self._wheels)
        source = _digest(*contents(SOURCES))
        guest = _digest(base, source, Path(__file__).read_text(), *contents([str(GUEST)]))
        self._stage("installed.img", guest, self._install)
        self._stage("card.img", _digest(guest, commands), provision)

    def _stage(self, name: str, digest: str, make: Callable[[Path], None]) -> None:
        path, stamp = self._folder / name, self._folder / f"{name}.made"
        if path.exists() and stamp.exists() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)
        _remove(path)
        make(path)
        stamp.write_text(digest)

    def _bootstrap(self, root: Path) -> None:
        """Install Debian for arm64 from this machine's mirror."""
        self._say(f"{self.suite} for the Pi, from Debian's packages (some minutes)")
        _run(
            [
                *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
                *("--architectures=arm64", f"--include={','.join(PACKAGES)}"),
                f"--essential-hook={INITRD}",
                *(self.suite, str(root), mirrors()[0]),
            ]
        )

    def _wheels(self, folder: Path) -> None:
        """Download the locked Python packages for the Pi's processor."""
        self._say("Python packages for the Pi")
        major, minor = SUITES[self.suite].split(".")
        download(System((int(major), int(minor)), "aarch64"), folder, _run)

    def _install(self, card: Path) -> None:
        """Run gateway/install in a copy of the system, and make the card's image of that."""
        self._say("gateway/install on the card (some minutes)")
        root = self._folder / "installed"
        _remove(root)
        _run(["cp", "-a", str(self._folder / "system"), str(root)])
        shared = root / SHARED
        copy_sources(shared / "source")
        shutil.copytree(self._folder / "wheels", shared / "wheels")
        _run(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe"),
                *("--private-network", "--machine=fevergate-pi", f"--directory={root}"),
                f"--setenv=QEMU_CPU={PROCESSOR}",
                f"--bind-ro={GUEST}:/srv/guest",
                *("/srv/guest/install-as-pi", f"/{SHARED}/source/gateway/install"),
                *("--wheels", f"/{SHARED}/wheels"),
            ]
        )
        self._prepare(root)
        boot = self._folder / "boot"
        boot.mkdir(exist_ok=True)
        for file, candidates in (
            (self.power.kernel, root.glob("boot/vmlinuz-*")),
            (self.power.initrd, root.glob("boot/initrd.img-*")),
            (self.power.device_tree, root.glob(DEVICE_TREE)),
        ):
            shutil.copyfile(_newest(candidates, file.name), file)
        card.touch()
        os.truncate(card, CARD_BYTES)
        _run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "pi", "-d", str(root), str(card)])
        _remove(root)

    def _prepare(self, root: Path) -> None:
        """Add the check's agent on the serial line in place of a login, host name and fstab."""
        tools = root / "usr/local/lib/pi-check"
        tools.mkdir(parents=True)
        for name in ("agent", "kiosk.py"):
            shutil.copy(GUEST / name, tools / name)
        units = root / "etc/systemd/system"
        shutil.copy(GUEST / "pi-check.service", units)
        wants_folder = units / "sysinit.target.wants"
        wants_folder.mkdir(exist_ok=True)
        (wants_folder / "pi-check.service").symlink_to("../pi-check.service")
        (units / "serial-getty@ttyS1.service").symlink_to("/dev/null")
        (root / "etc/hostname").write_text("pi\n")
        (root / "etc/fstab").write_text("/dev/mmcblk0 / ext4 defaults,noatime 0 1\n")


def copy(card: Path, target: Path) -> None:
    """Copy a card's image, which stays sparse."""
    _run(["cp", "--sparse=always", str(card), str(target)])


def contents(names: Iterable[str]) -> list[str]:
    """Names and digests of files and of those in folders, except *.md, in a fixed order."""
    parts: list[str] = []
    for name in names:
        top = ROOT / name
        files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        for path in files:
            if "__pycache__" not in path.parts and path.suffix != ".md":
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                parts += (str(path.relative_to(top.parent)), digest)
    return parts


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _newest(candidates: Iterable[Path], name: str) -> Path:
    paths = sorted(candidates)
    if not paths:
        raise PiCheckError(f"the Pi's system has no {name}")
    return paths[-1]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _run(command: list[str]) -> None:
    """Run a program. Raises `PiCheckError` with the end of its output."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8", "QEMU_CPU": PROCESSOR},
    )
    if result.returncode:
        words = (result.stderr or result.stdout).strip()[-1500:]
        raise PiCheckError(f"{command[0]} ended with {result.returncode}:\n{words}")
