"""The simulated world answers any frame, whatever its bytes, and records what the pins did."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import quiet_sensor

from simulator import frames
from simulator.bus import VirtualBus
from simulator.crowd import Crowd
from simulator.display import VirtualSSD1306
from simulator.faults import Fault
from simulator.frames import Operation, ResetCause
from simulator.pins import load_pins
from simulator.server import Server
from simulator.world import LOADER_MS, World

PINS = load_pins()


def world() -> World:
    bus = VirtualBus(PINS.sda, PINS.scl)
    sensor, display = quiet_sensor(), VirtualSSD1306()
    bus.attach(sensor)
    bus.attach(display)
    board_world = World(PINS, sensor, display, bus, Crowd())
    board_world.boot(power_on=True)
    return board_world


def ask(
    target: World, operation: Operation, payload: bytes = b"", now_ms: int = 1000
) -> tuple[int, bytes]:
    answer = target.handle(frames.HEADER.pack(operation, now_ms) + payload)
    assert answer is not None
    length, status = struct.unpack_from("<HB", answer)
    assert length == len(answer) - 2
    return status, answer[3:]


def read_object(target: World, now_ms: int = 1000) -> tuple[int, bytes]:
    return ask(target, Operation.I2C_TRANSFER, struct.pack("<BBBHB", 0, 0x5A, 1, 3, 7), now_ms)


def set_pin(target: World, pin: int, level: int, now_ms: int = 1000, mode: int = 3) -> None:
    assert ask(target, Operation.PIN, bytes((pin, mode, 255, level)), now_ms)[0] == 0


def test_errors_are_those_of_an_esp32() -> None:
    board_world = world()
    assert read_object(board_world)[0] == 0
    request = struct.pack("<BBBH", 0, 0x11, 1, 1)
    assert ask(board_world, Operation.I2C_TRANSFER, request) == (19, b"")
    board_world._sensor.fail(Fault.STUCK_BUS)  # pyright: ignore[reportPrivateUsage]
    assert read_object(board_world) == (116, b"")


def test_level_changes_are_kept_with_simulated_and_host_time() -> None:
    board_world = world()
    for now_ms, level in ((100, 0), (200, 1), (300, 1), (400, 0)):
        set_pin(board_world, PINS.green, level, now_ms)
    history = [(c.sim_ms - LOADER_MS, c.pin, c.level) for c in board_world.pin_history]
    assert history == [(200, PINS.green, 1), (400, PINS.green, 0)]
    assert board_world.pin_history[0].host_s <= board_world.pin_history[1].host_s


def test_a_lamp_goes_out_with_the_power() -> None:
    board_world = world()
    set_pin(board_world, PINS.red, 1)
    board_world.power_off()
    assert [(c.pin, c.level) for c in board_world.pin_history] == [(PINS.red, 1), (PINS.red, 0)]


def test_the_beeper_is_heard() -> None:
    board_world = world()
    ask(board_world, Operation.PWM, frames.PWM.pack(PINS.beeper, 2400, 32768))
    ask(board_world, Operation.PWM, frames.PWM.pack(PINS.green, 1, 1))
    board_world.boot(power_on=False)
    assert [(t.frequency_hz, t.duty_u16) for t in board_world.tones] == [(2400, 32768), (0, 0)]


def test_an_input_floats_low_or_is_pulled_up() -> None:
    board_world = world()
    assert ask(board_world, Operation.PIN, bytes((4, 1, 0, 255)))[1] == b"\x00"
    assert ask(board_world, Operation.PIN, bytes((4, 1, 2, 255)))[1] == b"\x01"


def test_time_goes_on_over_boots_and_never_back() -> None:
    board_world = world()
    read_object(board_world, 5000)
    first_ms = board_world.now_ms
    board_world.boot(power_on=False)
    read_object(board_world, 10)
    assert board_world.now_ms == first_ms + LOADER_MS + 10
    read_object(board_world, 5)
    assert board_world.now_ms == first_ms + LOADER_MS + 10


def test_a_watchdog_barks_unless_it_is_fed() -> None:
    board_world = world()
    assert not board_world.watchdog_barked(1e9, 1.0, 0.0)
    ask(board_world, Operation.WDT, frames.WDT.pack(8000))
    fed_s = board_world._fed_host_s  # pyright: ignore[reportPrivateUsage]
    assert not board_world.watchdog_barked(fed_s + 7.9, 1.0, 0.0)
    assert board_world.watchdog_barked(fed_s + 8.1, 1.0, 0.0)
    assert board_world.watchdog_barked(fed_s + 0.9, 10.0, 0.0)
    assert not board_world.watchdog_barked(fed_s + 0.9, 10.0, 2.0)


def test_a_reset_has_no_answer() -> None:
    board_world = world()
    assert board_world.handle(frames.HEADER.pack(Operation.RESET, 1) + b"\x02") is None
    assert board_world.reset_asked is ResetCause.HARD


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_frame_is_answered(bodies: list[bytes]) -> None:
    board_world = world()
    for body in bodies:
        answer = board_world.handle(body)
        assert answer is None or len(answer) >= 3
    assert read_object(board_world, 90_000_000)[0] in (
        0,
        frames.EINVAL,
        frames.ENODEV,
        frames.ETIMEDOUT,
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Operation)), st.integers(0, 100_000), st.binary(max_size=30)
        ),
        max_size=20,
    )
)
def test_any_payload_of_a_known_operation_is_answered(
    requests: list[tuple[Operation, int, bytes]],
) -> None:
    board_world = world()
    for operation, now_ms, payload in requests:
        answer = board_world.handle(frames.HEADER.pack(operation, now_ms) + payload)
        assert answer is None or answer[2] in (0, frames.EINVAL, frames.ENODEV, frames.ETIMEDOUT)


@pytest.mark.parametrize("garbage", [b"", b"\x01", b"\x00\x00", b"\xff\xff" + bytes(50)])
def test_a_board_that_talks_nonsense_and_hangs_up_ends_its_server(garbage: bytes) -> None:
    server = Server(world())
    with socket.create_connection(("127.0.0.1", server.port)) as board:
        board.sendall(garbage)
    server.close()


def test_a_server_closes_before_anybody_came() -> None:
    Server(world()).close()
