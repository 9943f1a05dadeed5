"""The simulated board's I2C bus and clock behave as those of an ESP32."""

import os
import signal
import time

import pytest
import real_micropython
from board_programs import PINS, TIMEOUT_S, MakeBoard
from simulator_helpers import ROOT, black_body

from simulator.faults import Fault


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


def test_a_stuck_bus_takes_as_long_as_on_a_board(board: MakeBoard) -> None:
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
    lines = [line.split() for line in kiosk.console]
    # 100 ms for each byte, the register's number included, and 100 ms more.
    for words, errno, least_ms in zip(
        lines[:4], (19, 116, 116, 116), (0, 500, 800, 13_000), strict=True
    ):
        assert int(words[1]) == errno
        assert least_ms <= int(words[2])
    assert lines[4][1] == "[]" and int(lines[4][2]) >= 112 * 100


def test_a_second_i2c_object_keeps_the_first_ones_clock_as_on_a_board(board: MakeBoard) -> None:
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


def test_a_boards_time_stops_while_its_host_is_busy(board: MakeBoard) -> None:
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
        time.sleep(0.5)  # 10 s of the board's time
        os.kill(kiosk.pid, signal.SIGCONT)
        kiosk.wait_console("goes on", TIMEOUT_S, len(kiosk.console))
    steps = [int(line.split()[1]) for line in kiosk.console if line.startswith("step ")]
    assert max(steps) <= 2 * 100 * kiosk.speed + 20


def test_asyncio_and_sleep_follow_an_accelerated_clock(board: MakeBoard) -> None:
    # A real second would count as twenty of the board's; ten real seconds would be too many.
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
def test_a_boards_clock_is_right_for_weeks_whatever_the_word_size(tmp_path, interpreter) -> None:
    script = tmp_path / "forty_days.py"
    script.write_text(FORTY_DAYS)
    device = ROOT / "tools/simulator/device"
    output = real_micropython.run(str(script), str(device), interpreter=interpreter)
    assert output == "right\n"


def test_an_unset_clock_begins_in_2000(board: MakeBoard) -> None:
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
