"""Firmware updates over the air, with the real broker, the real mpy-cross and the shipped firmware:
what a kiosk installs, refuses and takes back."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from kiosk_helpers import ANSWER_S, FIRMWARE, HEALTHY, readings
from msgspec.structs import asdict, replace

from fevergate.crypto.pki import read_update_key
from fevergate.kiosks.firmware_bundle import build, sign
from fevergate.mqtt.one_shot import publish_once
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import Topic
from harness.site import CAMPUS
from harness.system import System
from kiosk.update_offer import signed_text
from simulator import Board
from simulator.tower import Tower

NEW = "0.2.0"
SPEED, POST_SPEED = 12, 2.0
POST = "north-post"
HANG_S = 400


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("update") / "site"
    system = System(folder, [], speed=SPEED, gates={"north": ["north-1"]})
    system.add_post(POST, "north")
    with system:
        system.guard.stop()
        system.boards[0].wait_console("link up", ANSWER_S)
        yield system


def slots(board):
    """Names of those files and folders on the flash that decide which firmware runs."""
    names = ("a", "b", "update.a", "update.b", "update.bundle")
    return [name for name in names if (board.flash_dir / name).exists()]


@pytest.fixture
def board(system):
    """The kiosk with the firmware that was flashed over USB, without any update."""
    board = system.boards[0]
    if slots(board):
        board.stop()
        for name in slots(board):
            path = board.flash_dir / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        lines_before = len(board.console)
        board.start()
        board.wait_console("link up", ANSWER_S, lines_before)
    return board


def firmware(tmp_path, version=NEW, **changed):
    """Make a folder with another version of the firmware; `changed` maps modules to lines that are
    appended to them."""
    folder = tmp_path / f"firmware-{version}"
    shutil.copytree(FIRMWARE, folder)
    init = folder / "kiosk" / "__init__.py"
    init.write_text(init.read_text().replace('"0.1.0"', f'"{version}"'))
    for module, lines in changed.items():
        path = folder / "kiosk" / f"{module}.py"
        path.write_text(path.read_text() + "\n\n" + lines)
    return folder


def command(system, *arguments):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "update"),
            *("--settings", str(system.settings_path), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def version(board):
    """Version of the firmware that measures people now."""
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    return readings(board)[-1]["fw"]


def test_a_kiosk_runs_the_new_version_and_still_does_after_a_power_cut(system, board, tmp_path):
    before = version(board)
    result = command(system, "north-1", "--firmware", str(firmware(tmp_path)))
    assert result.returncode == 0, result.stdout + result.stderr
    for word in ("fetching", "on trial", "updated"):
        assert word in result.stdout
    assert (before, version(board)) == ("0.1.0", NEW)
    assert (board.flash_dir / "a/glyphs.bin").read_bytes() == (FIRMWARE / "glyphs.bin").read_bytes()
    board.power_cut()
    board.start()
    assert version(board) == NEW
    # The same version again, and the old one, are refused without the flag.
    second = command(system, "north-1", "--firmware", str(tmp_path / f"firmware-{NEW}"))
    assert second.returncode == 1 and "refused" in second.stdout
    old = command(system, "north-1", "--firmware", str(FIRMWARE))
    assert old.returncode == 1 and "refused" in old.stdout
    assert version(board) == NEW
    down = command(system, "north-1", "--firmware", str(FIRMWARE), "--downgrade")
    assert down.returncode == 0, down.stdout
    assert version(board) == "0.1.0"


@pytest.fixture
def tower(system, tmp_path):
    """The tower of the gate's lamp post, which shows green."""
    with Board(POST, tmp_path / "post", FIRMWARE, speed=POST_SPEED) as post:
        post.flash(system.board_files(POST))
        tower = Tower(post)
        post.start()
        tower.wait("green", timeout=ANSWER_S)
        yield tower


def test_a_post_is_updated_after_a_kiosk_and_goes_back_if_the_version_fails_only_there(
    system, board, tower, tmp_path
):
    """The post is amber while it restarts: twice for a version that is rolled back, once for a
    version that stays."""
    soon = "_TRIAL_MIN_MS = 2_000\n"
    falls = "raise ValueError('falls while it is imported')\n"
    bad = firmware(tmp_path, update=soon, post_app=falls)
    result = command(system, "--all", "--firmware", str(bad))
    assert result.returncode == 1 and "0.2.0 did not prove healthy" in result.stdout, result.stdout
    lines = [line for line in result.stdout.splitlines() if line.startswith("north-")]
    assert ["on trial" in line for line in lines].count(True) == 2
    first_of_post = [line.startswith(POST) for line in lines].index(True)
    assert "updated" in lines[first_of_post - 1] and "rolled back" in lines[-1]
    assert version(board) == NEW
    tower.wait("green", timeout=ANSWER_S)
    assert tower.board.boots == 3

    good = firmware(tmp_path, "0.3.0", update=soon)
    result = command(system, POST, "--firmware", str(good))
    assert result.returncode == 0 and "updated" in result.stdout, result.stdout
    tower.wait("green", timeout=ANSWER_S)
    assert tower.board.boots == 4
    assert all(lit.what for lit in tower.history), "never dark"


@pytest.mark.parametrize(
    ("module", "lines"),
    [
        ("app", "def main():\n    while True:\n        pass\n"),
        ("scan", "def feed(self, *_):\n    raise ValueError('x')\n\n\nScan.feed = feed\n"),
        ("mlx90614", "ADDRESS = 0x33\nMLX90614.object_c = lambda self: self.read_word(0x99)\n"),
        ("mqtt_link", "MqttLink.up = property(lambda self: False)\n"),
    ],
    ids=["hangs", "a task fails", "no sensor", "no connection"],
)
def test_a_kiosk_goes_back_by_itself_from_an_unhealthy_version(
    system, board, tmp_path, module, lines
):
    result = command(system, "north-1", "--firmware", str(firmware(tmp_path, **{module: lines})))
    assert result.returncode == 1, result.stdout
    assert "rolled back" in result.stdout and "0.2.0 did not prove healthy" in result.stdout
    assert version(board) == "0.1.0"
    board.power_cut()
    board.start()
    assert version(board) == "0.1.0"


def said(board, text, since):
    return board.wait_console(text, ANSWER_S, since)


def offered(system, offer, kiosk="north-1"):
    publish_once(
        system.settings.as_user("admin"), str(Topic(CAMPUS, kiosk, "update")), encode(offer)
    )


def test_a_wrong_offer_is_refused_with_its_reason_and_changes_nothing(system, board, tmp_path):
    key = read_update_key(system.folder / "update.key")
    bundle = build(firmware(tmp_path))
    good = sign(bundle, "north-1", key, downgrade=False)
    forged = bytearray(base64.b64decode(good.signature))
    forged[100] ^= 1
    wrong = [
        (replace(good, signature=base64.b64encode(forged).decode()), "signature is wrong"),
        (replace(good, signature=""), "signature is wrong"),
        (replace(good, downgrade=True), "signature is wrong"),
        (replace(good, issued=good.issued + 1), "signature is wrong"),
        (replace(good, version="9.0.0"), "signature is wrong"),
        (sign(bundle, "north-2", key, downgrade=False), "signature is wrong"),
        (replace(good, size=0), "size: expected"),
    ]
    other = bundle.__class__(bundle.version, 5, bundle.boards, bundle.data)
    wrong.append((sign(other, "north-1", key, downgrade=False), "compiled for .mpy 5"))
    other = bundle.__class__(bundle.version, 6, ("esp32-wrover-e",), bundle.data)
    elsewhere = sign(other, "north-1", key, downgrade=False)
    wrong.append((elsewhere, "not for this board: esp32-s3-n8r2"))
    wrong.append((replace(elsewhere, boards=("esp32-s3-n8r2",)), "signature is wrong"))
    before = slots(board)
    for offer, reason in wrong:
        since = len(board.console)
        offered(system, offer)
        assert reason in said(board, "update refused", since)
    assert slots(board) == before == []
    assert version(board) == "0.1.0"


class Tampering:
    """Sends a kiosk an update as `fevergate update` does, but with other bytes than were signed."""

    def __init__(self, system, bundle, data):
        from fevergate.kiosks.rollout import Rollout

        key = read_update_key(system.folder / "update.key")
        self.states = []
        self.rollout = Rollout(system.settings.as_user("admin"), bundle, key, lambda line: None)
        object.__setattr__(bundle, "piece", lambda offset: data(offset))

    def run(self):
        with self.rollout.connected():
            return self.rollout.run(["north-1"], 1)[0]


def test_other_bytes_than_were_signed_change_nothing(system, board, tmp_path):
    bundle = build(firmware(tmp_path))
    changed = bytearray(bundle.data)
    changed[5000] ^= 1

    def piece(data):
        return lambda offset: offset.to_bytes(4, "big") + bytes(data[offset : offset + 1000])

    for data, reason in (
        (piece(changed), "digest"),
        (piece(bundle.data[:7500]), "a piece of 0 bytes"),
        (lambda offset: offset.to_bytes(4, "big") + bytes(1001), "a piece of 1001 bytes"),
    ):
        bundle = build(tmp_path / f"firmware-{NEW}")
        ended = Tampering(system, bundle, data).run()
        assert ended.state == "refused" and reason in ended.why
        assert slots(board) == []
    assert version(board) == "0.1.0"


def test_an_offer_that_is_not_newer_than_the_one_taken_last_is_refused(system, board, tmp_path):
    folder = firmware(tmp_path)
    bundle = build(folder)
    key = read_update_key(system.folder / "update.key")
    played_again = sign(bundle, "north-1", key, downgrade=True)
    time.sleep(1.1)
    assert command(system, "north-1", "--firmware", str(folder)).returncode == 0
    since = len(board.console)
    offered(system, played_again)
    assert "not after the offer taken last" in said(board, "update refused", since)
    assert version(board) == NEW


def test_an_update_for_another_board_is_refused_in_words_and_changes_nothing(
    system, board, tmp_path
):
    saved = tmp_path / "wrover.bundle"
    saved_result = command(
        system,
        *("--save", str(saved), "--firmware", str(firmware(tmp_path)), "--board", "esp32-wrover-e"),
    )
    assert saved_result.returncode == 0 and "esp32-wrover-e" in saved_result.stdout
    result = command(system, "north-1", "--bundle", str(saved))
    assert result.returncode == 1
    assert "not for its board, esp32-s3-n8r2" in result.stdout
    assert "固件不适用于其主控板 esp32-s3-n8r2" in result.stdout
    assert slots(board) == [] and version(board) == "0.1.0"


def test_the_gateway_knows_which_board_a_kiosk_is(system, board):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "status", "--json"),
            *("--settings", str(system.settings_path)),
        ],
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    (kiosk,) = json.loads(result.stdout)["kiosks"]
    assert kiosk["board"] == "esp32-s3-n8r2"


def test_the_command_says_that_a_kiosk_did_not_answer(system, board):
    board.power_cut()
    result = command(system, "north-1", "--firmware", str(FIRMWARE), "--downgrade")
    board.start()
    assert result.returncode == 1 and "did not answer" in result.stdout


def test_a_bundle_can_be_built_elsewhere_and_a_wrong_one_is_named(system, board, tmp_path):
    saved = tmp_path / "fw.bundle"
    result = command(system, "--save", str(saved), "--firmware", str(firmware(tmp_path)))
    assert result.returncode == 0 and "0.2.0" in result.stdout
    assert saved.read_bytes().startswith(b"FeverGate bundle 2 0.2.0 6 esp32-s3-n8r2,")
    (tmp_path / "no.bundle").write_bytes(b"zip")
    result = command(system, "--all", "--bundle", str(tmp_path / "no.bundle"))
    assert result.returncode == 2 and "no.bundle: expected a bundle" in result.stderr
    result = command(system, "south-9", "--bundle", str(saved))
    assert result.returncode == 2 and "expected one of north-1" in result.stderr
    broken = firmware(tmp_path, "0.3.0", scan="def broken(:\n")
    result = command(system, "--all", "--firmware", str(broken))
    assert result.returncode == 2 and "scan.py" in result.stderr


def test_the_signature_covers_the_kiosk_and_every_field_of_an_offer():
    offer = {
        "version": NEW,
        "issued": 1,
        "size": 2,
        "sha256": "0" * 64,
        "abi": 6,
        "boards": ("esp32-s3-n8r2",),
        "downgrade": False,
    }
    texts = {signed_text("north-1", offer), signed_text("north-2", offer)}
    for name, value in (
        ("version", "0.2.1"),
        ("issued", 3),
        ("size", 4),
        ("sha256", "1" * 64),
        ("abi", 7),
        ("boards", ("esp32-wrover-e",)),
        ("boards", ("esp32-s3-n8r2", "esp32-wrover-e")),
        ("downgrade", True),
    ):
        texts.add(signed_text("north-1", offer | {name: value}))
    assert len(texts) == 10
    fields = set(asdict(sign_nothing())) - {"v", "signature"}
    assert fields == set(offer)


def sign_nothing():
    from fevergate.protocol.messages import UpdateOffer

    return UpdateOffer(
        version=NEW, issued=1_800_000_000, size=1, sha256="0" * 64, abi=6, boards=("esp32-s3-n8r2",)
    )
