"""A real PostgreSQL server on this machine, in a temporary folder, for tests and benchmarks."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from harness.broker import free_port
from harness.errors import DatabaseServerError

UP_S = 120
USER = "fevergate"


class LocalPostgres:
    """A server for a `with` statement; `database` creates an empty database.

    It listens on the loopback and admits every local user (`trust`), because it holds only test
    data.
    Commits are as durable as by default (`fsync` and `synchronous_commit` on). With `durable`
    False nothing waits for the disk: commits survive if the server is killed, because the kernel
    holds them, but not a power cut.
    """

    def __init__(self, durable: bool = True) -> None:
        self.durable = durable
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="fevergate-postgres-"))
        self._log = self.folder / "log"
        self._database_count = 0

    def __enter__(self) -> Self:
        try:
            if os.geteuid() == 0:
                shutil.chown(self.folder, *self._owner())
            self._run("initdb", "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises `DatabaseServerError`."""
        options = f"-p {self.port} -h 127.0.0.1 -c unix_socket_directories='{self.folder}'"
        # Shared memory in the data folder, not in /dev/shm, where systemd may remove it.
        options += " -c dynamic_shared_memory_type=mmap"
        if not self.durable:
            options += " -c fsync=off"
        self._run("pg_ctl", "-w", "-t", str(UP_S), "-l", str(self._log), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast`, or `immediate`, which is like a power cut."""
        self._run("pg_ctl", "-w", "-t", str(UP_S), "-m", mode, "stop")

    def database(self) -> str:
        """Create an empty database; returns its URL for SQLAlchemy with psycopg 3."""
        self._database_count += 1
        name = f"trial{self._database_count}"
        self._client("createdb", name)
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def _client(self, program: str, *arguments: str) -> None:
        self._call(program, "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        options: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            options = dict(zip(("user", "group"), self._owner(), strict=True)) | {
                "extra_groups": []
            }
        self._call(program, "-D", str(self.folder / "data"), *arguments, **options)

    def _call(self, program: str, *arguments: str, **options: Any) -> None:
        # The output goes to a file: a started server would keep a pipe open, and run() would wait.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(
                [str(_program(program)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                check=False,
                **options,
            )
            if result.returncode:
                output.seek(0)
                words = output.read().decode(errors="replace").strip().splitlines()[-3:]
                raise DatabaseServerError(f"{program}: {' '.join(words)}")

    @staticmethod
    def _owner() -> tuple[int, int]:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            raise DatabaseServerError(
                "no user postgres: apt-get install postgresql; or run this as another user than"
                " root"
            ) from None
        return user.pw_uid, user.pw_gid


def _program(name: str) -> Path:
    """Path of a PostgreSQL program: the newest version in Debian's folders, or else the one in
    PATH. Raises `DatabaseServerError` if there is none."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: [int(n) for n in re.findall(r"\d+", path.parts[4])],
    )
    if installed:
        return installed[-1]
    if elsewhere := shutil.which(name):
        return Path(elsewhere)
    raise DatabaseServerError(f"{name}: not installed; apt-get install postgresql")
