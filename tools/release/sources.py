"""Copies the sources of the gateway's wheel, so that building leaves no files in a checkout."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "LICENSE", "README.md", "gateway", "firmware")


def copy_sources(target: Path) -> Path:
    """Copy `SOURCES` into a new folder; returns it."""
    target.mkdir(parents=True)
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, target)
    return target
