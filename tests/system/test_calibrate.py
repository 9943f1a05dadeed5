"""A teacher calibrates a kiosk, with real broker and gateway, shipped firmware and virtual
references."""

import subprocess
import sys
import threading

import pytest
from kiosk_helpers import ANSWER_S, HEALTHY, readings, until

from fevergate.storage.connection import open_reader
from harness.system import System
from simulator import View

ROOM_C = 22.0
WRONG_C = 0.5  # °C by which the sensor reads too low
SELF_HEATING_C = 1.5


class Reference:
    """A reference that is before the sensor for 3 s and away for 3 s, in turn, by the board's
    time."""

    def __init__(self):
        self.true_c = None

    def __call__(self, now_ms):
        if self.true_c is None or now_ms % 6000 < 3000:
            return View(ROOM_C, ROOM_C, emissivity=1.0)
        return View(self.true_c - WRONG_C, ROOM_C, emissivity=1.0)


@pytest.fixture
def system(tmp_path):
    with System(tmp_path / "site", [], speed=8, gates={"north": ["north-1"]}) as system:
        system.guard.stop()
        board = system.boards[0]
        with board.world.lock:
            board.sensor.self_heating_c = SELF_HEATING_C
            # The noise that it reads depends on the machine's speed; with 0.12 °C the command might
            # refuse six scans.
            board.sensor.noise_c = 0.03
        database = system.settings.path(system.settings.database)
        until(lambda: "kiosks" in open_reader(database).table_names())
        until(lambda: value(system, "select health ->> '$.sensor' from kiosks"))
        yield system


def value(system, sql):
    reader = open_reader(system.settings.path(system.settings.database))
    try:
        row = reader.execute(sql).fetchone()
        return row and row[0]
    finally:
        reader.close()


class Teacher:
    """Runs the command, reads its questions and types answers."""

    def __init__(self, system, *arguments):
        self.output = ""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "fevergate.cli", "calibrate", "north-1"),
                *("--by", "李伟", "--settings", str(system.settings_path), *arguments),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self):
        assert self.process.stdout
        while letter := self.process.stdout.read(1):
            self.output += letter

    def asked(self, words, count=1):
        until(lambda: self.output.count(words) >= count or self.process.poll() is not None)
        assert self.output.count(words) >= count, self.output

    def says(self, answer):
        assert self.process.stdin
        self.process.stdin.write(f"{answer}\n")
        self.process.stdin.flush()

    def done(self):
        code = self.process.wait(ANSWER_S)
        self._listening.join(ANSWER_S)
        return code


def hold(system, true_c):
    board = system.boards[0]
    with board.world.lock:
        if not isinstance(board.sensor.scene, Reference):
            board.sensor.scene = Reference()
        board.sensor.scene.true_c = true_c


def test_two_black_bodies_put_a_sensor_right_and_light_no_lamp(system):
    board = system.boards[0]
    crowd = board.sensor.scene
    teacher = Teacher(system, "--room", str(ROOM_C))
    for count, true_c in ((1, 35.0), (2, 39.0)):
        teacher.asked("temperature", count)
        hold(system, true_c)
        teacher.says(true_c)
        teacher.asked("scan 3 of 3", count)
        if count == 1:
            teacher.asked("second black body")
            hold(system, None)
            teacher.says("y")
    teacher.asked("Put it in force")
    hold(system, None)
    teacher.says("y")
    assert teacher.done() == 0, teacher.output
    assert "in force" in teacher.output
    assert value(system, "select count(*) from fevers") == 0
    assert value(system, "select offset_c from calibrations") == pytest.approx(WRONG_C, abs=0.3)
    can_over_air_c = value(system, "select can_over_air_c from calibrations")
    assert can_over_air_c == pytest.approx(SELF_HEATING_C, abs=0.1)
    assert value(system, "select by from calibrations") == "李伟"
    assert value(system, "select uncertainty_c from calibrations") < 0.4
    # From here on people are measured with the calibration, also after a power cut.
    with board.world.lock:
        board.sensor.scene = crowd
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    assert abs(readings(board)[-1]["skin_c"] - 35.6 - WRONG_C) < 0.45
    board.power_cut()
    board.start()
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    assert abs(readings(board)[-1]["skin_c"] - 35.6 - WRONG_C) < 0.45


def test_an_impossible_calibration_is_refused_and_nothing_is_put_in_force(system):
    teacher = Teacher(system)
    teacher.asked("temperature")
    # Nobody is screened meanwhile, so it is a fault and does not count as watched time.
    until(lambda: value(system, "select health ->> '$.fault' from kiosks") == "calibrating")
    hold(system, 37.0)
    teacher.says("42")
    teacher.asked("second black body")
    teacher.says("n")
    assert teacher.done() == 2
    assert "no working sensor is so far off" in teacher.output and "Traceback" not in teacher.output
    assert value(system, "select count(*) from calibrations") == 0
    system.boards[0].wait_console("reference False", ANSWER_S)
    until(lambda: value(system, "select health ->> '$.fault' from kiosks") == "")


def test_ten_people_and_a_clinical_thermometer(system):
    teacher = Teacher(system, "--reference", "axillary", "--yes")
    hold(system, None)
    for number in range(10):
        teacher.asked("clinical thermometer", number + 1)
        hold(system, 35.5)
        teacher.says(36.6)
        teacher.asked("the sensor read", number + 1)
    assert teacher.done() == 0, teacher.output
    assert value(system, "select method from calibrations") == "people"
    assert value(system, "select supply_v from calibrations") == 3.0  # the kiosk reported it
    # The kiosk is told again for each person: ten measurements under the arm take longer than the
    # quarter of an hour after which it screens again.
    assert system.boards[0].console.count("reference True") > 10


def test_a_kiosk_that_nobody_knows_is_named(system):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "calibrate", "south-9", "--by", "Li"),
            *("--settings", str(system.settings_path)),
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2 and "expected one of north-1" in result.stderr
