"""Small firmwares on the simulated board: real MicroPython, a virtual world, a host's flash."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from board_programs import TIMEOUT_S, MakeBoard
from kiosk_helpers import until
from simulator_helpers import ROOT

from fevergate.kiosks.firmware_compiler import compiled
from simulator.board import Board
from simulator.errors import BoardDiedError, SimulatorError
from simulator.panel import panel_svg
from simulator.population import built_in_crowd


@pytest.mark.parametrize("psram_bytes", [0, 2 << 20])
def test_the_board_reports_its_memory(board: MakeBoard, psram_bytes: int) -> None:
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


def test_a_crash_shows_its_traceback_and_is_an_error(board: MakeBoard) -> None:
    kiosk = board("print(1 // 0)")
    kiosk.start()
    with pytest.raises(BoardDiedError, match="ZeroDivisionError"):
        kiosk.wait_console("never", TIMEOUT_S)
    assert kiosk.exit_code == 1
    assert any('File "/main.py"' in line for line in kiosk.console)
    with pytest.raises(BoardDiedError):
        kiosk.power_cut()


def test_an_error_of_a_listener_is_reported_and_stops_no_board(board: MakeBoard) -> None:
    def listener(_: Board, line: str) -> None:
        raise ValueError(line)

    kiosk = board("print('a')\nprint('b')\ntime.sleep(1000)", on_console=listener)
    kiosk.start()
    with pytest.raises(SimulatorError, match="on_console raised") as caught:
        kiosk.wait_console("never", TIMEOUT_S)
    assert isinstance(caught.value.__cause__, ValueError)
    assert kiosk.running


def test_a_call_that_a_boards_state_does_not_allow_is_an_error(
    board: MakeBoard, tmp_path: Path
) -> None:
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
    lines: list[tuple[str, str]] = []
    kiosk = board(
        "print('ready')" + ANSWER,
        people=people,
        on_console=lambda source, line: lines.append((source.name, line)),
    )
    kiosk.start()
    kiosk.wait_crowd(TIMEOUT_S)
    assert [visit.subject for visit in kiosk.visits] == [person.subject for person in people]
    assert {visit.colours for visit in kiosk.visits} == {("green",)}
    assert lines == [("kiosk0", "ready")]


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
    kiosk.wait_console("connected False 1001", TIMEOUT_S)  # nothing shows lost beacons
    kiosk.wait_console("not found", TIMEOUT_S)
    kiosk.wifi(True)
    kiosk.wait_console("connected True 1010 -58", TIMEOUT_S, start=3)


def test_the_board_leaves_the_firmware_most_of_its_heap(board: MakeBoard) -> None:
    kiosk = board("import gc; gc.collect(); print('free', gc.mem_free()); time.sleep(1000)")
    kiosk.start()
    free = int(kiosk.wait_console("free", TIMEOUT_S).split()[1])
    assert free > 280_000


@pytest.mark.skipif(sys.platform != "linux", reason="tied to the parent by a Linux call")
def test_killing_the_simulating_process_leaves_no_board_running(tmp_path: Path) -> None:
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
def test_all_shipped_firmware_is_flashed_compiled_as_updates_are(tmp_path, sources) -> None:
    kiosk = Board("k", tmp_path / "flash", ROOT / "firmware", sources=not sources)
    kiosk.flash()  # the same modules in the other form
    kiosk.sources = sources
    kiosk.flash({"settings.json": json.dumps({}).encode()})
    expected = {"settings.json": b"{}"}
    for path in (ROOT / "firmware").rglob("*"):
        inside = path.relative_to(ROOT / "firmware")
        if path.suffix == ".py" and not sources and inside.name not in ("boot.py", "main.py"):
            expected[str(inside.with_suffix(".mpy"))] = compiled(path.read_bytes(), str(inside))
        elif path.suffix in (".py", ".bin"):
            expected[str(inside)] = path.read_bytes()
    on_flash = {
        str(path.relative_to(kiosk.flash_dir)): path.read_bytes()
        for path in kiosk.flash_dir.rglob("*")
        if path.is_file()
    }
    assert on_flash == expected


def test_a_traceback_of_compiled_firmware_names_source_and_function(board: MakeBoard) -> None:
    kiosk = board("import helper\nhelper.divide(0)")
    (kiosk.firmware_dir / "helper.py").write_text("def divide(n):\n    return 1 // n\n")
    kiosk.flash()
    assert not (kiosk.flash_dir / "helper.py").exists()
    kiosk.start()
    until(lambda: not kiosk.running)
    output = "\n".join(kiosk.console)
    assert 'File "helper.py", line ' in output and "in divide" in output
    assert "ZeroDivisionError" in output


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
