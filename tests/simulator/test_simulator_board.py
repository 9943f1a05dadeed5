"""Small firmwares on the simulated board: real MicroPython, a virtual world, a host's flash."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import real_micropython
from kiosk_helpers import until
from simulator_helpers import ROOT, black_body

from fevergate.kiosks.firmware_compiler import compiled
from simulator.board import Board
from simulator.errors import BoardDiedError, SimulatorError
from simulator.faults import Fault
from simulator.frames import ResetCause
from simulator.panel import panel_svg
from simulator.pins import load_pins
from simulator.population import built_in_crowd

PINS = load_pins()
TIMEOUT_S = 60  # only ever waited for where something is broken
NAMES = "".join(f"{name.upper()} = {getattr(PINS, name)}\n" for name in vars(PINS))
OPEN_BUS = """
from machine import I2C, PWM, WDT, Pin
import machine, sys, time
i2c = I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=100_000)
def read_c(cell=7):
    word = i2c.readfrom_mem(0x5A, cell, 3)
    return (word[0] | word[1] << 8) * 0.02 - 273.15
"""

MakeBoard = Callable[..., Board]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[MakeBoard]:
    """Makes boards whose main.py is given, and stops them."""
    made: list[Board] = []

    def make(main: str, **options: object) -> Board:
        firmware = tmp_path / f"firmware{len(made)}"
        firmware.mkdir()
        (firmware / "main.py").write_text(NAMES + OPEN_BUS + textwrap.dedent(main))
        options.setdefault("speed", 10.0)
        name = f"kiosk{len(made)}"
        new = Board(name, tmp_path / name, firmware, **options)  # type: ignore[arg-type]
        new.flash()
        made.append(new)
        return new

    yield make
    for one in made:
        one.stop()


def test_firmware_reads_the_sensor_and_the_world_sees_its_lamps(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("scan", i2c.scan())
        time.sleep_ms(500)
        print("object %.2f ambient %.2f" % (read_c(7), read_c(6)))
        for pin, level in ((GREEN, 1), (GREEN, 0), (AMBER, 1), (AMBER, 0), (RED, 1)):
            Pin(pin, Pin.OUT).value(level)
        tone = PWM(Pin(BEEPER), freq=2400, duty_u16=32768)
        tone.deinit()
        print("red reads", Pin(RED).value())
        time.sleep(1000)
        """
    )
    kiosk.sensor.scene = lambda _: black_body(36.49, 21.49)
    kiosk.sensor.noise_c = kiosk.sensor.ambient_noise_c = 0.0
    kiosk.start()
    kiosk.wait_console("red reads 1", TIMEOUT_S)
    assert f"scan [{0x3C}, {0x5A}]" in kiosk.console
    assert "object 36.49 ambient 21.49" in kiosk.console
    changes = [(change.pin, change.level) for change in kiosk.pin_history]
    assert changes == [
        (PINS.green, 1),
        (PINS.green, 0),
        (PINS.amber, 1),
        (PINS.amber, 0),
        (PINS.red, 1),
    ]
    assert [(tone.frequency_hz, tone.duty_u16) for tone in kiosk.beeps] == [(2400, 32768), (0, 0)]
    assert kiosk.light() == "red"
    kiosk.stop()
    assert kiosk.light() is None


def test_bus_errors_have_the_numbers_of_an_esp32(board: MakeBoard) -> None:
    kiosk = board(
        """
        def number(address):
            try:
                i2c.readfrom_mem(address, 7, 3)
            except OSError as error:
                return error.errno
        print("nobody", number(0x10))
        print("fast", number(0x5A) if I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=400_000) else 0)
        I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=100_000)
        while number(0x5A) is None:
            time.sleep_ms(10)
        print("stuck", number(0x5A), Pin(SDA).value())
        clock = Pin(SCL, Pin.OPEN_DRAIN, value=1)
        for _ in range(9):
            clock.value(0)
            clock.value(1)
        i2c = I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=100_000)
        print("freed", number(0x5A), Pin(SDA).value())
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("fast", TIMEOUT_S)
    with kiosk.world.lock:
        kiosk.sensor.fail(Fault.STUCK_BUS, count=9)
    kiosk.wait_console("freed", TIMEOUT_S)
    assert kiosk.console == ["nobody 19", "fast 19", "stuck 116 0", "freed None 1"]


def test_a_stuck_bus_costs_what_it_costs_on_a_board(board: MakeBoard) -> None:
    kiosk = board(
        """
        def cost(name, call):
            began = time.ticks_ms()
            try:
                call()
            except OSError as error:
                print(name, error.errno, time.ticks_diff(time.ticks_ms(), began))
        time.sleep_ms(500)
        cost("nobody", lambda: i2c.readfrom_mem(0x10, 7, 3))
        sda = Pin(SDA, Pin.OPEN_DRAIN, value=0)
        cost("word", lambda: i2c.readfrom_mem(0x5A, 7, 3))
        cost("command", lambda: i2c.writeto(0x3C, bytes(7)))
        cost("page", lambda: i2c.writeto(0x3C, bytes(129)))
        began = time.ticks_ms()
        print("scan", i2c.scan(), time.ticks_diff(time.ticks_ms(), began))
        time.sleep(1000)
        """,
        speed=30.0,
    )
    kiosk.start()
    kiosk.wait_console("scan", TIMEOUT_S)
    said = [line.split() for line in kiosk.console]
    # 100 ms for each byte and one more: of the register's number too.
    for words, errno, least_ms in zip(
        said[:4], (19, 116, 116, 116), (0, 500, 800, 13_000), strict=True
    ):
        assert int(words[1]) == errno
        assert least_ms <= int(words[2])
    assert said[4][1] == "[]" and int(said[4][2]) >= 112 * 100


def test_a_bus_made_anew_keeps_its_clock_as_a_board_does(board: MakeBoard) -> None:
    kiosk = board(
        """
        again = I2C(0, scl=Pin(SCL), sda=Pin(SDA))
        time.sleep_ms(500)
        print("at 100 kHz", len(again.readfrom_mem(0x5A, 7, 3)))
        try:
            I2C(2, scl=Pin(SCL), sda=Pin(SDA))
        except ValueError as error:
            print(error)
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("doesn't exist", TIMEOUT_S)
    assert kiosk.console == ["at 100 kHz 3", "I2C(2) doesn't exist"]


def test_a_pulse_by_hand_wakes_a_sleeping_sensor(board: MakeBoard) -> None:
    kiosk = board(
        """
        i2c.writeto(0x5A, b"\\xff\\xe8")
        print("asleep", i2c.scan())
        sda = Pin(SDA, Pin.OPEN_DRAIN, value=0)
        time.sleep_ms(40)
        sda.value(1)
        print("awake", i2c.scan())
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("awake", TIMEOUT_S)
    assert kiosk.console == [f"asleep [{0x3C}]", f"awake [{0x3C}, {0x5A}]"]


def test_a_boards_time_stands_still_while_its_host_holds_it_up(board: MakeBoard) -> None:
    kiosk = board(
        """
        last, most = time.ticks_ms(), 0
        while True:
            now = time.ticks_ms()
            if time.ticks_diff(now, last) > most:
                most = time.ticks_diff(now, last)
                print("step", most)
            last = now
            time.sleep_ms(20)
            if now % 50 == 0:
                print("goes on")
        """,
        speed=20.0,
    )
    kiosk.start()
    kiosk.wait_console("goes on", TIMEOUT_S)
    assert kiosk.pid
    for _ in range(3):
        os.kill(kiosk.pid, signal.SIGSTOP)
        time.sleep(0.5)  # 10 s of the board's
        os.kill(kiosk.pid, signal.SIGCONT)
        kiosk.wait_console("goes on", TIMEOUT_S, len(kiosk.console))
    steps = [int(line.split()[1]) for line in kiosk.console if line.startswith("step ")]
    assert max(steps) <= 2 * 100 * kiosk.speed + 20


def test_an_accelerated_clock_is_felt_by_asyncio_and_sleep(board: MakeBoard) -> None:
    # Real seconds would be counted as twenty each: ten of them are beyond what is allowed.
    kiosk = board(
        """
        import asyncio
        def lasted(name, began, least_ms):
            ms = time.ticks_diff(time.ticks_ms(), began)
            print(name, least_ms <= ms < 10 * least_ms)
        async def nap():
            began = time.ticks_ms()
            await asyncio.sleep_ms(10_000)
            lasted("asyncio", began, 10_000)
            began = time.ticks_ms()
            for _ in range(1000):
                await asyncio.sleep_ms(10)
            lasted("short", began, 10_000)
        asyncio.run(nap())
        began = time.ticks_ms()
        time.sleep(10)
        lasted("sleep", began, 10_000)
        print("dated", time.gmtime()[0] >= 2025, time.mktime(time.gmtime(0)))
        time.sleep(1000)
        """,
        speed=20.0,
    )
    kiosk.start()
    kiosk.wait_console("dated", TIMEOUT_S)
    assert kiosk.console == ["asyncio True", "short True", "sleep True", "dated True 0"]


FORTY_DAYS = """
import sys, time
class Host:
    us = (1 << 30) - 1_000_000  # wraps soon, as its ticks in 32-bit words do each 18 minutes
    ticks_add, ticks_diff, ticks_cpu, gmtime = time.ticks_add, time.ticks_diff, 0, time.gmtime
    ticks_us = lambda: Host.us & (sys.maxsize >> 1)
    ticks_ms = lambda: Host.us // 1000 & (sys.maxsize >> 1)
    time = lambda: 1_900_000_000 + Host.us // 1_000_000
host = sys.modules["time"] = Host
sys.path.insert(0, sys.argv[1])
import clock
clock.start(30_000, True, 1_900_000_000)
passed_ms, before = 0, clock.ticks_ms()
for minute in range(40 * 24 * 60 // 240):
    host.us += 8 * 60 * 1_000_000 + 1  # eight minutes of the host are four hours here
    now = clock.ticks_ms()
    assert 0 <= now <= sys.maxsize >> 1
    passed_ms += clock.ticks_diff(now, before)
    before = now
    assert passed_ms == (minute + 1) * 4 * 3600 * 1000 + (minute + 1) * 30 // 1000
    assert 0 <= clock.ticks_us() <= sys.maxsize >> 1
assert clock.time() == 1_900_000_000 - 946_684_800 + passed_ms // 1000
print("right")
"""


@pytest.mark.parametrize("interpreter", real_micropython.INTERPRETERS)
def test_a_boards_clock_is_right_for_weeks_whatever_the_words(tmp_path, interpreter) -> None:
    script = tmp_path / "forty_days.py"
    script.write_text(FORTY_DAYS)
    device = ROOT / "tools/simulator/device"
    said = real_micropython.run(str(script), str(device), interpreter=interpreter)
    assert said == "right\n"


def test_a_reset_starts_the_board_again_and_says_why(board: MakeBoard) -> None:
    kiosk = board(
        """
        cause = machine.reset_cause()
        print("cause", cause)
        time.sleep_ms(50)
        try:
            if cause == machine.PWRON_RESET:
                machine.reset()
            if cause == machine.HARD_RESET:
                machine.soft_reset()
        finally:
            print("no further")
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("no further", TIMEOUT_S)
    assert kiosk.console == ["cause 1", "cause 2", "cause 5", "no further"]
    assert kiosk.boots == 3
    assert kiosk.last_reset is ResetCause.SOFT
    assert kiosk.exit_code == 75


def test_a_brown_out_reads_as_power_on_and_a_panic_as_a_reset(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause(), "year", time.gmtime()[0])
        if machine.reset_cause() == machine.PWRON_RESET:
            machine.RTC().datetime((2026, 3, 4, 2, 5, 6, 7, 0))
            i2c.writeto(0x3C, b"\\x00\\xaf")
        print("up")
        time.sleep(1000)
        """,
        clock_set=False,
    )
    kiosk.start()
    kiosk.wait_console("up", TIMEOUT_S)
    kiosk.panic()
    kiosk.wait_console("up", TIMEOUT_S, start=2)
    assert kiosk.last_reset is ResetCause.HARD
    assert kiosk.display.on  # it kept its supply
    kiosk.brown_out()
    kiosk.wait_console("cause", TIMEOUT_S, start=4)
    assert kiosk.console[::2] == ["cause 1 year 2000", "cause 2 year 2026", "cause 1 year 2000"]


def test_a_spark_resets_the_display_which_goes_on_acknowledging(board: MakeBoard) -> None:
    kiosk = board(
        """
        i2c.writeto(0x3C, b"\\x00\\xaf")
        print("on")
        while True:
            time.sleep_ms(100)
            i2c.writeto(0x3C, b"\\x40\\xff")
            print("written")
        """
    )
    kiosk.start()
    kiosk.wait_console("written", TIMEOUT_S)
    with kiosk.world.lock:
        assert kiosk.display.on
        kiosk.display.spark()
    kiosk.wait_console("written", TIMEOUT_S, start=len(kiosk.console))
    assert not kiosk.display.on and kiosk.light() is None


def test_a_soft_reset_stops_no_watchdog_and_leaves_the_pins(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause(), "red", Pin(RED).value())
        if machine.reset_cause() == machine.PWRON_RESET:
            Pin(RED, Pin.OUT, value=1)
            WDT(timeout=1000)
            machine.soft_reset()
        while True:
            pass
        """
    )
    kiosk.start()
    kiosk.wait_console("cause 3", TIMEOUT_S)
    assert kiosk.console == ["cause 1 red 0", "cause 5 red 1", "cause 3 red 0"]


def test_a_watchdog_is_made_as_a_board_allows(board: MakeBoard) -> None:
    kiosk = board(
        """
        for id, timeout in ((1, 1000), (0, 0)):
            try:
                WDT(id, timeout)
            except ValueError:
                print("refused")
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("refused", TIMEOUT_S, start=1)


@pytest.mark.parametrize("psram_bytes", [0, 2 << 20])
def test_the_board_tells_its_memory(board: MakeBoard, psram_bytes: int) -> None:
    kiosk = board(
        """
        import esp32
        print("largest", max([heap[2] for heap in esp32.idf_heap_info(esp32.HEAP_DATA)]))
        time.sleep(1000)
        """,
        psram_bytes=psram_bytes,
    )
    kiosk.start()
    largest = int(kiosk.wait_console("largest", TIMEOUT_S).split()[1])
    assert (largest > 1 << 20) == bool(psram_bytes)


def test_a_watchdog_that_is_not_fed_resets(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("cause", machine.reset_cause())
        if machine.reset_cause() == machine.PWRON_RESET:
            dog = WDT(timeout=1000)
            for _ in range(3):
                dog.feed()
            while True:
                pass
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("cause 3", TIMEOUT_S)
    assert kiosk.last_reset is ResetCause.WATCHDOG


def test_what_was_written_survives_a_power_cut_and_a_new_flash(board: MakeBoard) -> None:
    kiosk = board(
        """
        import os
        print("cause", machine.reset_cause(), sorted(os.listdir("/")), sys.path)
        with open("/outbox", "a") as file:
            file.write("x")
            file.flush()
            print("written", os.stat("/outbox")[6])
            time.sleep(1000)
        """
    )
    kiosk.flash({"/settings.json": b"{}"})
    kiosk.start()
    kiosk.wait_console("written 1", TIMEOUT_S)
    kiosk.power_cut()
    assert not kiosk.running
    kiosk.flash({"ca.der": b"1"})
    kiosk.start()
    kiosk.wait_console("written 2", TIMEOUT_S)
    assert "cause 1 ['ca.der', 'main.py', 'outbox', 'settings.json']" in kiosk.console[2]
    assert "['', '.frozen', '/lib']" in kiosk.console[2]


def test_a_crash_shows_its_traceback_and_is_an_error(board: MakeBoard) -> None:
    kiosk = board("print(1 // 0)")
    kiosk.start()
    with pytest.raises(BoardDiedError, match="ZeroDivisionError"):
        kiosk.wait_console("never", TIMEOUT_S)
    assert kiosk.exit_code == 1
    assert any('File "/main.py"' in line for line in kiosk.console)
    with pytest.raises(BoardDiedError):
        kiosk.power_cut()


def test_a_listener_that_fails_stops_no_board_but_is_told(board: MakeBoard) -> None:
    def listener(_: Board, line: str) -> None:
        raise ValueError(line)

    kiosk = board("print('a')\nprint('b')\ntime.sleep(1000)", on_console=listener)
    kiosk.start()
    with pytest.raises(SimulatorError, match="on_console raised") as caught:
        kiosk.wait_console("never", TIMEOUT_S)
    assert isinstance(caught.value.__cause__, ValueError)
    assert kiosk.running


def test_a_board_is_used_in_order(board: MakeBoard, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="speed"):
        Board("k", tmp_path, tmp_path, speed=0.5)
    with pytest.raises(SimulatorError, match="flash it first"):
        Board("k", tmp_path / "none", tmp_path).start()
    kiosk = board("time.sleep(1000)")
    with pytest.raises(SimulatorError, match="off"):
        kiosk.check()
    with pytest.raises(SimulatorError, match="path on the flash"):
        kiosk.flash({"../escaped": b""})
    kiosk.start()
    with pytest.raises(SimulatorError, match="on already"):
        kiosk.start()
    kiosk.stop()
    kiosk.stop()


ANSWER = """
shown = None
while True:
    time.sleep_ms(100)
    skin_c = read_c()
    colour = None
    if skin_c > 37.5:
        colour = RED
    elif skin_c > 31:
        colour = GREEN
    if colour != shown:
        for pin in (GREEN, RED):
            Pin(pin, Pin.OUT).value(1 if pin == colour else 0)
        shown = colour
"""


def test_visitors_get_an_answer(board: MakeBoard) -> None:
    people = built_in_crowd(5, seed=4, fever_share=0.0)
    heard: list[tuple[str, str]] = []
    kiosk = board(
        "print('ready')" + ANSWER,
        people=people,
        on_console=lambda who, line: heard.append((who.name, line)),
    )
    kiosk.start()
    kiosk.wait_crowd(TIMEOUT_S)
    assert [visit.subject for visit in kiosk.visits] == [person.subject for person in people]
    assert {visit.colours for visit in kiosk.visits} == {("green",)}
    assert heard == [("kiosk0", "ready")]


def test_people_who_come_later_are_served(board: MakeBoard) -> None:
    kiosk = board(ANSWER, people=built_in_crowd(2, fever_share=0.0))
    kiosk.start()
    kiosk.wait_crowd(TIMEOUT_S)
    kiosk.admit(built_in_crowd(1, seed=9, fever_share=0.0))
    kiosk.wait_crowd(TIMEOUT_S)
    assert len(kiosk.visits) == 3


def test_a_visitor_outlasts_a_power_cut(board: MakeBoard) -> None:
    people = built_in_crowd(3, fever_share=0.0)
    kiosk = board(ANSWER, people=people)
    kiosk.start()
    kiosk.wait_light("green", TIMEOUT_S)
    kiosk.power_cut()
    assert kiosk.light() is None
    kiosk.start()
    kiosk.wait_crowd(TIMEOUT_S)
    assert [visit.subject for visit in kiosk.visits] == [person.subject for person in people]


def test_wifi_goes_and_comes_back(board: MakeBoard) -> None:
    kiosk = board(
        """
        import network
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.connect("campus", "long enough")
        def wait(state):
            while wlan.isconnected() != state:
                time.sleep_ms(50)
            print("connected", state, wlan.status(), wlan.status("rssi") if state else "")
            if not state:
                while wlan.status() != network.STAT_NO_AP_FOUND:
                    time.sleep_ms(50)
                print("not found")
        wait(True)
        wait(False)
        wait(True)
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_console("connected True 1010 -58", TIMEOUT_S)
    kiosk.wifi(False)
    kiosk.wait_console("connected False 1001", TIMEOUT_S)  # the beacons' loss is not shown
    kiosk.wait_console("not found", TIMEOUT_S)
    kiosk.wifi(True)
    kiosk.wait_console("connected True 1010 -58", TIMEOUT_S, start=3)


def test_a_clock_that_nobody_set_begins_in_2000(board: MakeBoard) -> None:
    kiosk = board(
        """
        print("year", time.gmtime()[0])
        machine.RTC().datetime((2026, 3, 4, 2, 5, 6, 7, 0))
        print(machine.RTC().datetime()[:6])
        time.sleep(1000)
        """,
        clock_set=False,
    )
    kiosk.start()
    kiosk.wait_console("(2026, 3, 4, 2, 5, 6)", TIMEOUT_S)
    assert kiosk.console[0] == "year 2000"


def test_the_board_leaves_the_firmware_most_of_its_heap(board: MakeBoard) -> None:
    kiosk = board("import gc; gc.collect(); print('free', gc.mem_free()); time.sleep(1000)")
    kiosk.start()
    free = int(kiosk.wait_console("free", TIMEOUT_S).split()[1])
    assert free > 280_000


@pytest.mark.skipif(sys.platform != "linux", reason="tied to the parent by a Linux call")
def test_killing_whoever_simulates_leaves_no_board_behind(tmp_path: Path) -> None:
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text("import time\nprint('up')\ntime.sleep(1000)\n")
    script = (
        "import sys, time\n"
        "from simulator import Board\n"
        f"b = Board('k', {str(tmp_path / 'flash')!r}, {str(firmware)!r})\n"
        "b.flash(); b.start(); b.wait_console('up', 60)\n"
        "print('up', flush=True); time.sleep(1000)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        (child,) = children_of(owner.pid)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    until_s = time.monotonic() + TIMEOUT_S
    while is_running(child):
        assert time.monotonic() < until_s, "the board outlived its simulator"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    listed = [
        int(entry)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for entry in (task / "children").read_text().split()
    ]
    return sorted(set(listed))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("sources", [False, True])
def test_the_shipped_firmware_is_flashed_whole_compiled_as_updates_are(tmp_path, sources) -> None:
    kiosk = Board("k", tmp_path / "flash", ROOT / "firmware", sources=not sources)
    kiosk.flash()  # the other form, as it may lie there
    kiosk.sources = sources
    kiosk.flash({"settings.json": json.dumps({}).encode()})
    wanted = {"settings.json": b"{}"}
    for path in (ROOT / "firmware").rglob("*"):
        inside = path.relative_to(ROOT / "firmware")
        if path.suffix == ".py" and not sources and inside.name not in ("boot.py", "main.py"):
            wanted[str(inside.with_suffix(".mpy"))] = compiled(path.read_bytes(), str(inside))
        elif path.suffix in (".py", ".bin"):
            wanted[str(inside)] = path.read_bytes()
    on_flash = {
        str(path.relative_to(kiosk.flash_dir)): path.read_bytes()
        for path in kiosk.flash_dir.rglob("*")
        if path.is_file()
    }
    assert on_flash == wanted


def test_a_traceback_of_compiled_firmware_names_source_and_function(board: MakeBoard) -> None:
    kiosk = board("import helper\nhelper.divide(0)")
    (kiosk.firmware_dir / "helper.py").write_text("def divide(n):\n    return 1 // n\n")
    kiosk.flash()
    assert not (kiosk.flash_dir / "helper.py").exists()
    kiosk.start()
    until(lambda: not kiosk.running)
    said = "\n".join(kiosk.console)
    assert 'File "helper.py", line ' in said and "in divide" in said
    assert "ZeroDivisionError" in said


def test_a_picture_of_the_panel_shows_the_lamp_and_the_glass(board: MakeBoard) -> None:
    kiosk = board(
        """
        i2c.writeto(0x3C, b"\\x00\\xaf")
        i2c.writeto(0x3C, b"\\x40" + b"\\xff" * 1024)
        Pin(AMBER, Pin.OUT).value(1)
        time.sleep(1000)
        """
    )
    kiosk.start()
    kiosk.wait_light("amber", TIMEOUT_S)
    drawing = ET.fromstring(panel_svg(kiosk, "kiosk <1>"))  # noqa: S314
    lamps = {
        circle.attrib["data-lamp"]: circle.attrib["data-lit"]
        for circle in drawing.iter("{http://www.w3.org/2000/svg}circle")
    }
    assert lamps == {"green": "no", "amber": "yes", "red": "no"}
    (glass,) = drawing.iter("{http://www.w3.org/2000/svg}path")
    assert glass.attrib["d"].count("z") >= 8
    assert "kiosk <1>" in "".join(drawing.itertext())
