"""The desk as a process of its own, down to the C library.

It also reads the same sensor as the board's MicroPython does, with the same results.
"""

import json
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from desk_kernel import READ, Kernel, Time
from kiosk_helpers import ANSWER_S, authority_der, kiosk, settings
from simulator_helpers import black_body, quiet_sensor

from fevergate.desk.linux_i2c import DeskBus
from kiosk.errors import SensorError
from kiosk.mlx90614 import MLX90614
from simulator import Fault
from simulator.bus import VirtualBus
from simulator.physics import View
from simulator.sensor import VirtualMLX90614

HERE = Path(__file__).parent
DEVICE = "/dev/i2c-1"
HEADERS = Path("/usr/include/linux/i2c-dev.h")
compiled = pytest.mark.skipif(
    not (shutil.which("cc") and HEADERS.exists()), reason="no C compiler with the kernel's headers"
)


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    library = tmp_path_factory.mktemp("edge") / "i2c_edge.so"
    subprocess.run(
        [
            *("cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library),
            *(HERE / "i2c_edge.c", "-ldl"),
        ],
        check=True,
    )
    return library


class RealTime(Time):
    """This machine's clock for the virtual sensor, since the desk, another process, goes by it."""

    @property
    def now_ms(self):
        return time.monotonic() * 1000


class Line:
    """Plays the I2C bus for the process that opens the device, one transfer after the other."""

    def __init__(self, path, part):
        bus = VirtualBus()
        bus.attach(part)
        self.kernel = Kernel(bus, RealTime())
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as file:
                while head := file.read(4):
                    file.write(self._answer(file, struct.unpack("<I", head)[0]))
                    file.flush()

    def _answer(self, file, count):
        wire = []
        for _ in range(count):
            address, flags, length = struct.unpack("<HHH", file.read(6))
            wire.append((address, flags, length if flags & READ else file.read(length)))
        answer = self.kernel.transfer(wire)
        if isinstance(answer, int):
            return struct.pack("<i", answer)
        return struct.pack("<i", 0) + answer

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture
def desk(tmp_path, edge):
    toml = tmp_path / "gateway.toml"
    toml.write_text(
        'campus = "east"\ngateway = "gw-east"\nlanguage = "zh"\n'
        '[[gates]]\nname = "north"\nkiosks = ["north-1"]\n[desk]\nbus = 1\nsupply_v = 3.0\n'
    )
    part = VirtualMLX90614(lambda _: View(22.0, 22.0, emissivity=1.0))
    line = Line(tmp_path / "line", part)
    environment = os.environ | {
        "LD_PRELOAD": str(edge),
        "I2C_DEVICE": DEVICE,
        "I2C_SOCKET": str(tmp_path / "line"),
        "PYTHONUNBUFFERED": "1",
        "TERM": "xterm",
        "COLUMNS": "100",
    }
    command = [sys.executable, "-m", "fevergate.cli", "desk"]
    yield part, command, ["--settings", str(toml)], environment
    line.close()


@compiled
def test_a_look_through_smbus2_and_the_c_library_reads_the_true_temperature(desk):
    part, command, settings, environment = desk
    part.scene = lambda _: View(37.6, 22.0)
    part.fail(Fault.WRONG_PEC, count=2)
    result = subprocess.run(
        [*command, "look", "--json", "--by", "李伟", *settings],
        env=environment,
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
    )
    assert result.returncode == 0, result.stderr
    look = json.loads(result.stdout)
    assert look["verdict"] == "fever" and look["skin_c"] == pytest.approx(37.6, abs=0.5)
    assert look["pec_errors"] == 2 and look["bus_errors"] == 0


class Terminal:
    """Runs a command at a terminal of its own."""

    def __init__(self, command, environment):
        self._own_end, child_end = pty.openpty()
        self.process = subprocess.Popen(
            command, env=environment, stdin=child_end, stdout=child_end, stderr=child_end
        )
        os.close(child_end)
        self.output = ""
        self._raw = b""

    def until(self, words):
        while words not in self.output:
            self._raw += os.read(self._own_end, 4096)
            self.output = self._raw.decode(errors="ignore")

    def types(self, keys):
        os.write(self._own_end, keys)

    def ended(self):
        """Wait for the program, and return its exit code. Its output is read to the end, since a
        full terminal would keep it waiting."""
        with suppress(OSError):  # EIO: no process has the terminal open any more
            while chunk := os.read(self._own_end, 4096):
                self._raw += chunk
        self.output = self._raw.decode(errors="ignore")
        return self.process.wait(ANSWER_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._own_end)


@compiled
def test_a_guard_at_a_terminal_presses_enter_and_reads_the_answer(desk):
    part, command, settings, environment = desk
    part.scene = lambda _: View(35.6, 22.0)
    with Terminal([*command, *settings], environment) as terminal:
        terminal.until("按回车")
        terminal.types(b"\n")
        terminal.until("以医用体温计为准")
        terminal.types(b"q\n")
        assert terminal.ended() == 0
        assert "低于阈值 37.3 °C" in terminal.output and "██" in terminal.output
        assert "校验错误 0" in terminal.output


@compiled
def test_watching_shows_what_the_sensor_reads_before_anybody_comes(desk):
    part, command, settings, environment = desk
    with Terminal(
        [*command, "look", "--watch", "--count", "1", *settings], environment
    ) as terminal:
        terminal.until("等待 · 物体 2")
        part.scene = lambda _: View(37.6, 22.0)
        terminal.until("达到阈值 37.3 °C")
        assert terminal.ended() == 0
        assert "测量中 · 物体 3" in terminal.output


@compiled
def test_ctrl_c_ends_watching_without_a_trace(desk):
    _, command, settings, environment = desk
    with Terminal([*command, "look", "--watch", *settings], environment) as terminal:
        terminal.until("等待 · 物体 2")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.output


@compiled
def test_a_sensor_that_is_not_there_is_one_line_and_exit_2(desk):
    part, command, settings, environment = desk
    part.fail(Fault.NAK)
    result = subprocess.run(
        [*command, "look", "--json", *settings],
        env=environment,
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
    )
    assert result.returncode == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert "Remote I/O error" in result.stderr and "传感器没有应答" in result.stderr


STEPS = ("object_c", "ambient_c", "settle_ms", "unit_id", "check_setup", "object_c") * 5
READER = f"""
import time
from kiosk.bus import Bus
from kiosk.errors import SensorError
from kiosk.mlx90614 import MLX90614

time.sleep_ms(600)
sensor = MLX90614(Bus())
for step in {STEPS!r}:
    try:
        print("step", step, getattr(sensor, step)())
    except SensorError as error:
        print("step", step, type(error).__name__)
print("counts", sensor.pec_errors, sensor.bus_errors)
while True:
    time.sleep_ms(100)
"""
FAULTS = [
    {},
    {Fault.NAK: 4, Fault.WRONG_PEC: 5, Fault.ERROR_BIT: 2},
    {Fault.ALL_ONES: 7, Fault.OUT_OF_RANGE: 3},
    {Fault.NAK: 40, Fault.WRONG_PEC: 8, Fault.OUT_OF_RANGE: 2, Fault.ERROR_BIT: 9},
]


def faulty(faults):
    part = quiet_sensor(black_body(37.02, 22.0))
    for fault, count in faults.items():
        part.fail(fault, count)
    return part


@pytest.mark.parametrize("faults", FAULTS, ids=lambda faults: "+".join(f.name for f in faults))
def test_the_board_and_the_desk_read_the_same_from_the_same_sensor(tmp_path, monkeypatch, faults):
    files = {"settings.json": settings(), "ca.der": authority_der(), "main.py": READER.encode()}
    part = faulty(faults)
    with kiosk(tmp_path / "board", files, sensor=part) as board:
        part.scene = lambda _: black_body(37.02, 22.0)
        board.start()
        board.wait_console("counts", ANSWER_S)
        board_lines = [line for line in board.console if line.startswith(("step ", "counts "))]
    bus = VirtualBus()
    bus.attach(faulty(faults))
    Kernel(bus).install(monkeypatch)
    desk_lines = []
    with DeskBus(1) as desk_bus:
        sensor = MLX90614(desk_bus)
        for step in STEPS:
            try:
                desk_lines.append(f"step {step} {getattr(sensor, step)()}")
            except SensorError as error:
                desk_lines.append(f"step {step} {type(error).__name__}")
    desk_lines.append(f"counts {sensor.pec_errors} {sensor.bus_errors}")
    assert board_lines == desk_lines and len(desk_lines) == len(STEPS) + 1
    assert any(line.endswith("Error") for line in desk_lines) is bool(faults)
