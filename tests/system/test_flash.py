"""`fevergate flash` to a virtual ESP32, byte by byte over its serial line: what the person who
flashes it sees when a cable is pulled, or something is damaged or missing."""

import json
import shutil

import pytest
from click.testing import CliRunner
from flash_helpers import desk, flash, lay, micropython, on_flash
from kiosk_helpers import (
    FIRMWARE,
    SPEED,
    authority_der,
)

from fevergate.cli import cli
from fevergate.errors import FlashError
from fevergate.flash import image, loader, self_test
from fevergate.flash.files import BoardFile, collect
from fevergate.flash.installation import install
from fevergate.kiosks.cable import Cable
from harness.broker import LocalBroker
from simulator import Fault, chips
from simulator.rom import starts
from simulator.tower import Tower

IMAGE = micropython()
WIFI = {"wifi_ssid": "campus", "wifi_password": "long enough"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "micropython.bin"
    path.write_bytes(IMAGE)
    return path


@pytest.fixture
def empty(tmp_path):
    board = desk(tmp_path / "flash", speed=SPEED)
    yield board
    board.stop()


@pytest.fixture
def board(tmp_path):
    """A board with MicroPython and nothing else."""
    board = desk(tmp_path / "flash", IMAGE, speed=SPEED)
    yield board
    board.stop()


@pytest.fixture
def flashed(board, site):
    """A board with firmware and settings, without main.py, so that nothing runs yet."""
    files = {
        name: (site.folder / "kiosks/north-1" / name).read_bytes()
        for name in ("settings.json", "ca.der")
    }
    lay(board, [entry for entry in collect().files if entry.path != "/main.py"])
    lay(board, [BoardFile(f"/{name}", data) for name, data in files.items()])
    return board


def write(board, moved=lambda *_: None):
    """Write MicroPython alone."""
    with loader.opened(board.url, moved) as rom:
        rom.write(image.judge("x.bin", IMAGE))


def examined(board):
    """The self-test's results by the names of its checks; nobody answers its questions."""
    with Cable(board.url) as cable:
        cable.take()
        return {finding.check: finding for finding in self_test.run(cable, lambda _: None)}


def change_settings(board, **values):
    path = board.flash_dir / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_empty_board_becomes_a_kiosk_and_says_what_works(empty, site, file):
    result = flash(
        empty,
        *("--micropython", file, "--settings-from", site.folder, "--kiosk", "north-1", "--json"),
    )
    report = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert bytes(empty.flash_chip[: len(IMAGE)]) == IMAGE
    assert on_flash(empty) == {entry.path: entry.data for entry in collect().files}
    assert {path for path in on_flash(empty) if path.endswith(".py")} == {"/boot.py", "/main.py"}
    assert report["board"]["name"] == "esp32-s3-n8r2"
    assert report["memory"]["psram_bytes"] == 2 << 20
    for name in ("settings.json", "ca.der"):
        content = (empty.flash_dir / name).read_bytes()
        assert content == (site.folder / "kiosks/north-1" / name).read_bytes()
    states = {row["check"]: row["state"] for row in report["results"]}
    assert {check for check, state in states.items() if state == "ok"} == {
        *("memory", "bus", "sensor", "readings", "broker"),
    }
    assert {check for check, state in states.items() if state == "not shown"} == {
        *("display", "green", "amber", "red", "beeper", "Wi-Fi"),
    }
    password = json.loads((empty.flash_dir / "settings.json").read_text())["password"]
    assert password not in result.output

    # The same again, now that the kiosk runs: files that are there already are not written.
    second = json.loads(flash(empty, "--json").stdout)
    assert second["firmware"]["written"] == 0
    assert second["firmware"]["unchanged"] == report["firmware"]["written"]
    assert second["image"]["sha256"] == report["image"]["sha256"]
    assert second["ok"]


def test_each_led_lights_up_while_the_person_is_asked(flashed):
    with Cable(flashed.url) as cable:
        cable.take()
        lit = {}

        def ask(question):
            lit[question[1]] = flashed.light()
            return "amber" not in question[1]

        findings = {finding.check: finding for finding in self_test.run(cable, ask)}
    assert lit["Did the green LED light up?"] == "green"
    assert lit["Did the amber LED light up?"] == "amber"
    assert lit["Did the red LED light up?"] == "red"
    assert flashed.light() is None
    assert not [change for change in flashed.pin_history if change.pin == flashed.pins.door]
    assert any(tone.frequency_hz and tone.duty_u16 for tone in flashed.beeps)
    assert findings["red"].state == findings["beeper"].state == "ok"
    assert findings["amber"].state == "fails" and "hardware/pins.md" in findings["amber"].advice[1]


def test_a_lamp_posts_lamps_siren_and_button_are_tested_and_no_sensor(flashed):
    change_settings(flashed, role="lamp_post", gate="north")
    tower, lit = Tower(flashed), {}

    def ask(question):
        lit[question[1]] = tower.lit
        tower.hold("button" in question[1])
        return True

    with Cable(flashed.url) as cable:
        cable.take()
        findings = {finding.check: finding.state for finding in self_test.run(cable, ask)}
    assert lit["Did the green lamp light up?"] == {"amber", "green"}
    assert lit["Did the red lamp light up?"] == {"amber", "red"}
    assert lit["Did the amber lamp go out?"] == set()
    assert tower.lit == {"amber"} and any("siren" in change.what for change in tower.history)
    assert findings.pop("Wi-Fi") == "not shown" and set(findings.values()) == {"ok"}
    assert list(findings) == ["memory", "green", "red", "amber", "siren", "button", "broker"]

    # The button is still held, as if its wire were shorted to ground: no press can be believed.
    assert examined(flashed)["button"].state == "fails"


def test_what_came_over_the_air_gives_way_to_what_comes_by_cable(flashed):
    slot = flashed.flash_dir / "a" / "kiosk"
    shutil.copytree(FIRMWARE / "kiosk", slot, ignore=shutil.ignore_patterns("__pycache__"))
    (slot / "app.py").write_text("def main():\n    print('out of slot a')\n")
    with Cable(flashed.url) as cable:
        cable.take()
        installed = "from kiosk.starter import Installed\ni = Installed()\n"
        cable.run(f"{installed}i.good, i.issued, i.version = 'a', 7, '9.9.9'\ni.write()")
        install(cable, collect(), lambda *_: None)
        assert cable.run(f"{installed}print((i.good, i.trial, i.version, i.issued))") == (
            "('', '', '', 7)"
        )
        before = len(flashed.console)
        cable.reset()
        flashed.wait_console("link up", 60, before)
    assert not any("out of slot a" in line for line in flashed.console)


def test_a_board_whose_files_differ_has_the_firmwares_and_no_others(flashed):
    (flashed.flash_dir / "kiosk/scan.mpy").write_bytes(b"something older")
    (flashed.flash_dir / "kiosk/scan.py").write_text("something that would be taken instead")
    (flashed.flash_dir / "kiosk_board.py").write_text("BOARD = 'another board'")
    (flashed.flash_dir / "readings.a").write_bytes(b"what the kiosk keeps")
    with Cable(flashed.url) as cable:
        cable.take()
        copied = install(cable, collect(), lambda *_: None)
    assert (copied.written, copied.removed) == (2, 2)  # written: scan.mpy and main.py
    assert on_flash(flashed) == {entry.path: entry.data for entry in collect().files}
    assert (flashed.flash_dir / "readings.a").read_bytes() == b"what the kiosk keeps"
    assert not (flashed.flash_dir / "kiosk/scan.py").exists()


class Line:
    """Flips one bit of what goes over the cable, `times` times, after the first `after` bytes."""

    def __init__(self, after, times=1):
        self.left, self.times = after, times

    def __call__(self, data):
        self.left -= len(data)
        if self.left < 0 and self.times and len(data) > 100:
            self.times -= 1
            return data[:50] + bytes((data[50] ^ 0x10,)) + data[51:]
        return data


def test_a_line_that_is_always_wrong_is_told_and_starts_nothing(empty):
    empty.cable.noise = Line(60_000, times=1_000_000)
    with pytest.raises(FlashError, match="flash again"):
        write(empty)
    assert not starts(bytes(empty.flash_chip), empty.chip)


def test_a_cable_that_is_pulled_half_way_leaves_a_board_that_can_be_flashed(empty):
    def pull(at, size):
        if at > size // 2:
            empty.cable.pull()

    with pytest.raises(FlashError, match="flash again"):
        write(empty, pull)
    empty.cable.plug()
    # This time the cable stays, but changes one byte: the board refuses that block and gets it
    # again.
    empty.cable.noise = line = Line(60_000)
    write(empty)
    assert line.times == 0
    assert bytes(empty.flash_chip[: len(IMAGE)]) == IMAGE

    def pull_later(at, size):
        if at > size // 2:
            empty.cable.pull()

    with pytest.raises(FlashError, match="flash again"), Cable(empty.url) as cable:
        cable.take()
        install(cable, collect(), pull_later)
    assert not (empty.flash_dir / "main.py").exists()
    empty.cable.plug()
    with Cable(empty.url) as cable:
        cable.take()
        copied = install(cable, collect(), lambda *_: None)
    assert on_flash(empty) == {entry.path: entry.data for entry in collect().files}
    assert copied.unchanged > 5


def test_what_a_bad_cable_changed_of_a_file_is_noticed(flashed):
    (flashed.flash_dir / "kiosk/words_en.mpy").unlink()
    # Three words are changed, since one of them may be split between two pieces.
    flashed.cable.noise = lambda data: (
        data.replace(b"WORDS", b"WORDZ").replace(b"Normal", b"Nurmal").replace(b"moment", b"mument")
    )
    with Cable(flashed.url) as cable:
        cable.take()
        with pytest.raises(FlashError, match=r"words_en\.mpy does not read back"):
            install(cable, collect(), lambda *_: None)
    assert not (flashed.flash_dir / "main.py").exists()


def test_a_board_whose_first_answer_is_lost_while_it_boots_is_asked_again(board):
    class Lost:
        times = 0

        def __call__(self, data):
            if b"implementation" in data and not self.times:
                self.times += 1
                return b""
            return data

    board.cable.noise = noise = Lost()
    with Cable(board.url) as cable:
        assert cable.take().version >= (1, 28)
    assert noise.times == 1


def test_sources_lie_where_nothing_is_imported_from_and_only_if_asked_for(flashed):
    with Cable(flashed.url) as cable:
        cable.take()
        install(cable, collect(sources=True), lambda *_: None)
        read = flashed.flash_dir / "sources/kiosk/scan.py"
        assert read.read_bytes() == (FIRMWARE / "kiosk/scan.py").read_bytes()
        assert cable.run("import kiosk.scan; print(kiosk.scan.__file__)").endswith("scan.mpy")
        install(cable, collect(), lambda *_: None)
    assert not read.exists()


def test_nothing_of_a_self_test_moves_the_doors_line(flashed):
    examined(flashed)
    assert flashed.pins.door not in {change.pin for change in flashed.pin_history}
    assert flashed.pins.green in {change.pin for change in flashed.pin_history}


def test_wrong_options_and_files_are_reported_before_the_board_is_touched(empty, site, tmp_path):
    other = tmp_path / "wrover.bin"
    other.write_bytes(micropython(chips.WROVER_E))
    for arguments, says in (
        (["--micropython", other, "--board", "esp32-s3-n8r2"], "made for ESP32, expected ESP32-S3"),
        ([], "no MicroPython was kept yet"),
        (["--keep-micropython", "--firmware", tmp_path], "expected the firmware's package"),
    ):
        assert says in str(flash(empty, *arguments).exception)
    unknown = ["--keep-micropython", "--settings-from", site.folder, "--kiosk", "south-9"]
    result = CliRunner().invoke(cli, ["flash", "--port", empty.url, *map(str, unknown)])
    assert "expected one of north-1, north-2" in str(result.exception)
    for wrong in (
        ["--sha256", "0" * 64],
        ["--micropython", other, "--keep-micropython"],
        ["--kiosk", "north-1"],
        ["--self-test-only", "--micropython", other],
    ):
        assert flash(empty, *wrong).exit_code == 2
    assert empty.lines.resets == 0


def test_no_board_and_no_port_are_told_apart(empty, monkeypatch):
    monkeypatch.setattr(loader, "ATTEMPTS", 1)
    empty.lines.set = lambda **_: None  # DTR and RTS have no effect, as without a board
    empty.cable.noise = lambda _: b""
    with pytest.raises(FlashError, match="hold BOOT"):
        write(empty)
    with (
        pytest.raises(FlashError, match="no such port"),
        loader.opened("/dev/ttyUSB99", lambda *_: None),
    ):
        raise AssertionError
    with pytest.raises(FlashError, match="no such port"):
        Cable("/dev/ttyUSB99")


def test_without_a_sensor_the_bus_fails_and_the_sensor_is_not_called_good(flashed):
    flashed.sensor.fail(Fault.NAK)
    findings = examined(flashed)
    assert findings["bus"].state == "fails" and "0x5A MLX90614" in findings["bus"].text[1]
    assert findings["sensor"].state == findings["readings"].state == "not shown"


def test_wrong_checksums_of_the_sensor_are_counted_and_fail(flashed):
    with Cable(flashed.url) as cable:
        cable.take()
        for finding in self_test.run(cable, lambda _: None):
            if finding.check == "bus":
                flashed.sensor.fail(Fault.WRONG_PEC)
            if finding.check == "readings":
                assert finding.state == "fails" and "30 wrong checksum" in finding.text[1]
                break


def test_a_sensor_with_another_emissivity_is_not_taken(flashed):
    flashed.sensor.eeprom.cells[4] = 0xF333
    assert "0xf333" in examined(flashed)["sensor"].text[1].lower()


def test_a_wrong_wifi_password_is_told(flashed):
    change_settings(flashed, wifi_ssid="campus", wifi_password="short")
    findings = examined(flashed)
    assert (
        findings["Wi-Fi"].state == "fails"
        and "password is not accepted" in findings["Wi-Fi"].text[1]
    )
    assert "密码不被接受" in findings["Wi-Fi"].text[0]
    assert findings["broker"].state == "not shown"


def test_a_wifi_that_is_there_is_joined(flashed):
    change_settings(flashed, **WIFI)
    findings = examined(flashed)
    assert findings["Wi-Fi"].state == "ok" and "-58 dBm" in findings["Wi-Fi"].text[1]
    assert findings["broker"].state == "ok"


def test_a_broker_of_another_authority_is_not_trusted(flashed):
    (flashed.flash_dir / "ca.der").write_bytes(authority_der())
    finding = examined(flashed)["broker"]
    assert finding.state == "fails" and "another authority" in finding.advice[1], finding


def test_a_wrong_credential_and_an_absent_broker_are_told_apart(flashed, site):
    change_settings(flashed, password="not this one")
    assert "refuses the login" in examined(flashed)["broker"].text[1]
    change_settings(flashed, broker_port=1)
    assert "cannot be reached" in examined(flashed)["broker"].text[1]
    assert isinstance(site.broker, LocalBroker)


def test_something_that_fails_is_exit_code_1(flashed):
    flashed.sensor.fail(Fault.NAK)
    result = flash(flashed, "--self-test-only")
    assert result.exit_code == 1
    assert "✗ fails bus" in result.output and "hardware/README.md" in result.output
