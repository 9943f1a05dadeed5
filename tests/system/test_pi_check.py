"""How tools/pi-check judges pins and figures, and talks to its machine.

These tests do not boot the emulated Pi: that takes half an hour, and tools/pi-check does it itself.
"""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest
import real_micropython
from hypothesis import given
from hypothesis import strategies as st

from emulated_pi import card
from emulated_pi.arguments import STEPS, WITHOUT, parse
from emulated_pi.boot_config import in_effect
from emulated_pi.button import GPEDS0, Chip, Debugger, edge, mapped_at
from emulated_pi.errors import PiCheckError
from emulated_pi.gpio import BASE, WORDS, Lamps, Line, lamps, parse_registers
from emulated_pi.machine import QEMU
from emulated_pi.serial_line import SerialLine
from emulated_pi.verdict import Verdict
from fevergate.alarm.gpio_pins import GATES

TOOL = real_micropython.ROOT / "tools/pi-check"


def registers(functions, levels):
    """The chip's register words for these functions and levels of its pins."""
    words = [0] * WORDS
    for number, function in enumerate(functions):
        words[number // 10] |= function << (number % 10 * 3)
    words[13] = sum(level << number for number, level in enumerate(levels))
    return words


@given(
    st.lists(st.integers(0, 7), min_size=32, max_size=32),
    st.lists(st.booleans(), min_size=32, max_size=32),
)
def test_each_pin_is_read_as_the_chip_has_it(functions, levels):
    lines = parse_registers(registers(functions, levels))
    assert lines == {
        number: Line(function == 1, level)
        for number, (function, level) in enumerate(zip(functions, levels, strict=True))
    }


def test_a_pin_that_was_given_back_lights_nothing_though_its_level_stays():
    """QEMU keeps the level of a pin that has become an input; a lamp's driver gets none."""
    green = GATES["gate1"]["green"]
    lines = {number: Line(False, False) for number in range(32)}
    assert lamps(lines | {green: Line(True, True)}, GATES["gate1"]).shown == "green"
    given_back = lamps(lines | {green: Line(False, True)}, GATES["gate1"])
    assert not given_back.green and given_back.shown == "amber"


def test_red_has_priority_and_no_lamp_lit_counts_as_amber():
    assert Lamps(red=True, amber=True, green=True).shown == "red"
    assert Lamps(red=False, amber=False, green=False).shown == "amber"


def good():
    verdict = Verdict(boots=3)
    verdict.fever("a fever", lit=True)
    verdict.dead("killed", green=False, seconds=2.04)
    verdict.ready(61.26)
    verdict.stored({1, 2}, {1, 2, 3})
    return verdict


def test_the_last_line_has_the_figures_that_were_asked_for():
    assert good().good
    assert json.loads(good().line()) == {
        "boots": 3,
        "fevers": 1,
        "red_lines_high": 1,
        "green_over_dead": 0,
        "dark": 0,
        "readings": 2,
        "lost": 0,
        "seconds_to_amber": 2.0,
        "seconds_to_ready": 61.3,
    }


@pytest.mark.parametrize(
    ("wrong", "figure"),
    [
        (lambda verdict: verdict.fever("another", lit=False), "dark"),
        (lambda verdict: verdict.dead("killed", green=True, seconds=2), "green_over_dead"),
        (lambda verdict: verdict.stored({1, 2}, {1}), "lost"),
    ],
)
def test_each_fault_alone_makes_it_fail_and_is_named(wrong, figure):
    verdict = good()
    wrong(verdict)
    assert not verdict.good and len(verdict.problems) == 1
    assert json.loads(verdict.line())[figure] == 1


def test_steps_are_played_in_their_own_order():
    assert parse([]).steps == tuple(STEPS)
    assert parse(["--only", "upgrade", "--only", "fever"]).steps == ("fever", "upgrade")


@pytest.mark.parametrize("arguments", [["--suite", "sid"], ["--only", "x"], ["--cuts", "0"]])
def test_a_wrong_option_ends_at_once(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2 and arguments[0] in capsys.readouterr().err


def test_the_help_names_every_step_and_what_can_be_taken_out():
    result = subprocess.run([str(TOOL), "--help"], capture_output=True, text=True, check=True)
    for name, help_text in (STEPS | WITHOUT).items():
        assert f"{name} " in result.stdout and help_text in result.stdout


def test_what_is_missing_is_said_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "as root" in str(card.why_not())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(card.shutil, "which", lambda program, path: None)
    assert "apt-get install qemu-system-arm qemu-user-static" in str(card.why_not())


def test_a_changed_source_makes_another_card(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "ROOT", tmp_path)
    (tmp_path / "gateway").mkdir()
    file = tmp_path / "gateway/install"
    file.write_text("1")
    first = card.contents(["gateway"])
    assert card.contents(["gateway"]) == first
    file.write_text("2")
    assert card.contents(["gateway"]) != first


@pytest.fixture
def agent():
    """Runs the Pi's agent on a terminal of this machine; yields a socket to it and the terminal."""
    host_end, agent_end = os.openpty()
    process = subprocess.Popen(
        [str(card.GUEST / "agent")],
        stdin=agent_end,
        stdout=agent_end,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(agent_end)
    near, far = socket.socketpair()

    def up():
        while data := far.recv(4096):
            os.write(host_end, data)

    def down():
        with contextlib.suppress(OSError):  # raised once the terminal's program has ended
            while data := os.read(host_end, 4096):
                far.sendall(data)

    threads = [threading.Thread(target=copy, daemon=True) for copy in (up, down)]
    for thread in threads:
        thread.start()
    yield near, host_end
    os.killpg(process.pid, 9)
    process.wait()
    for end in (near, far):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    near.close()
    for thread in threads:
        thread.join(10)
    os.close(host_end)
    far.close()


def test_commands_go_over_the_serial_line_and_their_answers_come_back(agent, tmp_path):
    line, _ = agent
    serial = SerialLine(tmp_path / "console.log", lambda: None)
    serial.open(line)
    serial.until(lambda: serial.hellos == 1, 60, "the agent")
    assert serial.run("echo 体温; exit 3", 60, check=False) == (3, "体温")
    # One answer is longer than a terminal takes at once, one is empty.
    assert serial.run("seq 1 5000", 60).text.split() == [str(n) for n in range(1, 5001)]
    assert serial.run("true", 60) == (0, "")
    with pytest.raises(PiCheckError, match=r"ls /none: .*exit code 2"):
        serial.run("ls /none", 60)


def test_a_kiosks_words_and_the_kernels_are_told_apart(agent, tmp_path):
    line, _ = agent
    serial = SerialLine(tmp_path / "console.log", lambda: None)
    serial.open(line)
    serial.until(lambda: serial.hellos == 1, 60, "the agent")
    tty = serial.run("tty < /proc/$PPID/fd/0", 60).text
    serial.run(
        f"printf '[ 12.3] usb stored 7\\n' >{tty}; printf 'oops \\036stored 8\\n' >{tty}", 60
    )
    serial.until(lambda: serial.events("stored"), 60, "the kiosk's word")
    assert serial.events("stored") == [8]


def test_a_pi_that_is_silent_or_gone_is_an_error_and_no_hang(agent, tmp_path):
    line, _ = agent

    def gone():
        raise PiCheckError("QEMU ended by itself")

    serial = SerialLine(tmp_path / "console.log", gone)
    with pytest.raises(PiCheckError, match="switched off"):
        serial.run("true", 60)
    serial.open(line)
    with pytest.raises(PiCheckError, match="QEMU ended"):
        serial.run("sleep 60", 60)
    silent = SerialLine(tmp_path / "console.log", lambda: None)
    with pytest.raises(PiCheckError, match="still waiting for: it boots"):
        silent.until(lambda: False, 0.1, "it boots")


def connected(path):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        line = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            line.connect(str(path))
            return line
        line.close()
        time.sleep(0.05)
    raise AssertionError(f"QEMU does not answer at {path}")


@pytest.fixture
def chip_alone(tmp_path):
    """A function that starts QEMU's Pi without an operating system. It returns a function that
    connects to one of its lines, "qtest" or "gdb"."""
    started = []

    def start(*arguments):
        command = [QEMU, "-M", "raspi3b", "-display", "none", "-serial", "null"]
        command += ["-monitor", "none", "-qtest-log", "none", *arguments]
        for name in ("qtest", "gdb"):
            command += [f"-{name}", f"unix:{tmp_path / name},server=on,wait=off"]
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        return lambda name: connected(tmp_path / name)

    yield start
    for pi in started:
        pi.kill()
        pi.wait()


@pytest.mark.skipif(not shutil.which(QEMU), reason="qemu-system-arm is missing")
def test_qemus_own_chip_is_read_by_its_registers(chip_alone):
    """The test writes as a kernel would: GPFSEL2 makes GPIO22 an output, and GPSET0 sets GPIO22 and
    GPIO17."""
    chip = Chip(chip_alone("-S")("qtest"))
    dark = Lamps(red=False, amber=False, green=False)
    assert lamps(chip.lines(), GATES["gate1"]) == dark
    for offset, word in ((0x08, 1 << 6), (0x1C, 1 << 22 | 1 << 17)):
        chip._ask(f"writel {BASE + offset:#x} {word:#x}")
    assert lamps(chip.lines(), GATES["gate1"]) == dark._replace(green=True)
    with pytest.raises(PiCheckError, match="nonsense"):
        chip._ask("nonsense")
    chip.close()


def test_a_qemu_that_ended_is_an_error_and_no_dark_lamp():
    near, far = socket.socketpair()
    chip = Chip(near)
    far.close()
    with pytest.raises(PiCheckError, match="test line"):
        chip.lines()
    chip.close()


KERNEL = (
    0xD2A7E401,  # movz x1, #0x3f20, lsl #16
    0xB9404025,  # again: ldr w5, [x1, #0x40]    GPEDS0
    0x34FFFFE5,  # cbz w5, again
    0xB9001C25,  # str w5, [x1, #0x1c]           GPSET0
    0x14000000,  # b .
)
"""Polls GPEDS0 until the chip reports a line that changed, and writes that word to GPSET0, so that
the line's level shows which it was."""


@pytest.mark.skipif(not shutil.which(QEMU), reason="qemu-system-arm is missing")
def test_a_program_on_the_pi_reads_which_button_was_pressed(chip_alone, tmp_path):
    (tmp_path / "kernel").write_bytes(struct.pack("<5I", *KERNEL))
    line = chip_alone("-kernel", str(tmp_path / "kernel"))
    chip = Chip(line("qtest"))
    north, south = GATES["gate1"]["acknowledge"], GATES["gate2"]["acknowledge"]
    chip.level({south}, high=True)
    assert chip.lines()[south].high and not chip.lines()[north].high
    debugger = Debugger(line("gdb"))
    edge(chip, debugger, BASE + GPEDS0, south, high=False)
    debugger.close()
    end = time.monotonic() + 60
    while not chip.lines()[south].high and time.monotonic() < end:
        time.sleep(0.05)
    assert [number for number, line in chip.lines().items() if line.high] == [south]
    chip.close()


def test_where_the_kernel_has_mapped_the_chip_is_read_from_its_own_table():
    table = (
        "0xffff800008a1d000-0xffff800008a1f000    8192 probe+0x8 phys=0x000000003f201000 ioremap\n"
        "0xffff800008a25000-0xffff800008a27000    8192 probe+0x8 phys=0x000000003f200000 ioremap\n"
    )
    assert mapped_at(table) == 0xFFFF800008A25000
    for hidden in ("", table.replace("ffff800008a25000", "0" * 16), table.replace("3f20", "3f30")):
        with pytest.raises(PiCheckError, match="vmallocinfo"):
            mapped_at(hidden)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a=1\n[pi4]\nb=1\n[all]\nc=1 # why\n", ["a=1", "c=1"]),
        ("[cm5]\na=1\n[pi3]\nb=1\n[none]\nc=1\n#[all]\nd=1\n", ["b=1"]),
    ],
)
def test_a_line_in_another_models_section_of_config_txt_does_not_count(text, lines):
    assert in_effect(text) == lines
