"""Reads and changes backups for the tests of `fevergate backup`."""

import hashlib
import io
import json
import tarfile
from datetime import datetime

import tomlkit
from samples import AT

from fevergate.backup.archive import MANIFEST
from fevergate.reports.fever_log import read_day
from fevergate.storage.connection import open_reader


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and ".db" not in path.name
        and path.name not in ("mosquitto.conf", "fevergate.conf")  # they contain the folder's path
    }


def log(settings):
    reader = open_reader(settings.path(settings.database))
    try:
        return read_day(reader, settings, datetime.fromtimestamp(AT, settings.zone).date())
    finally:
        reader.close()


def members(path):
    with tarfile.open(path) as tar:
        streams = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in streams.items() if file}


def moved(backup, path, **changes):
    """The backup with other settings and right digests, as a forger would make it."""
    files = members(backup)
    toml = tomlkit.parse(files["gateway.toml"].decode())
    for table, name in changes.items():
        (toml if table == "database" else toml.setdefault(table, {}))["database"] = name
    files["gateway.toml"] = tomlkit.dumps(toml).encode()
    return made_up(path, files)


def made_up(path, files, **about):
    manifest = json.loads(files.pop(MANIFEST)) | about
    manifest["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    with tarfile.open(path, "w:gz") as new:
        for name, data in {MANIFEST: json.dumps(manifest).encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return path
