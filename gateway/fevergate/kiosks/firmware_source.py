"""The firmware's sources, in a folder such as this project's `firmware/`, or as installed."""

import re
from dataclasses import dataclass
from pathlib import Path

import kiosk
from fevergate.errors import UpdateError

GLYPHS = "glyphs.bin"
"""Shapes of the display's characters."""

_SHIPPED = Path(__file__).parents[1] / "flash" / "board"
_VERSION = re.compile(rb'^VERSION = "(\d{1,3}\.\d{1,3}\.\d{1,3})"$', re.MULTILINE)


@dataclass(frozen=True)
class FirmwareSource:
    """One version of the firmware, not compiled yet."""

    version: str
    modules: dict[str, bytes]
    """Path, such as `kiosk/app.py`, and source of each module."""
    root: Path

    def file(self, name: str) -> bytes:
        """Content of a file beside the package. Raises `UpdateError`."""
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise UpdateError(
                f"{self.root / name}: {error.strerror}; expected the firmware's file"
            ) from error


def firmware_source(folder: Path | None = None) -> FirmwareSource:
    """Read the firmware in `folder`, by default the installed one. Raises `UpdateError`."""
    package = folder / "kiosk" if folder else Path(kiosk.__path__[0])
    modules = {
        f"kiosk/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*.py"))
        if "__pycache__" not in path.parts
    }
    version = _VERSION.search(modules.get("kiosk/__init__.py", b""))
    if not version:
        raise UpdateError(
            f'{package}: expected the firmware\'s package, with VERSION = "major.minor.patch" in'
            " its __init__.py"
        )
    return FirmwareSource(version[1].decode(), modules, folder or _SHIPPED)
