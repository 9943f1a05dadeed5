"""The virtual UART keeps and loses the same bytes as ESP-IDF's driver."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.board import Board
from simulator.card_reader import BYTE_MS, VirtualReader, card_frame
from simulator.pins import load_pins
from simulator.uart import FIFO_BYTES, VirtualUarts

PINS = load_pins()
TIMEOUT_S = 120
SIZE = 256
CARD = 0x12345678


def uarts(
    *, baud: int = 9600, rx: int = PINS.reader_rx, frame: tuple[int, ...] = (8, 0, 1)
) -> tuple[VirtualUarts, VirtualReader]:
    reader = VirtualReader()
    ports = VirtualUarts(PINS.reader_rx, reader)
    ports.setup(0.0, 1, baud, list(frame), rx, SIZE)
    return ports, reader


def test_received_bytes_can_be_read_in_pieces() -> None:
    ports, reader = uarts()
    reader.send(b"0123456789", 0.0)
    ports.advance(5 * BYTE_MS)
    assert (ports.waiting(1), ports.read(1, 3), ports.waiting(1)) == (5, b"012", 2)
    ports.advance(100.0)
    assert (ports.read(1, SIZE), ports.read(1, SIZE)) == (b"3456789", b"")


def stream(size: int) -> bytes:
    return bytes(place % 251 for place in range(size))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (SIZE, stream(SIZE)),
        # The driver holds one byte more, and the FIFO the rest.
        (SIZE + 1 + FIFO_BYTES, stream(SIZE + 1 + FIFO_BYTES)),
        # One byte more, and the FIFO overflows and is emptied. Later bytes are kept again.
        (SIZE + 1 + FIFO_BYTES + 1, stream(SIZE + 1)),
        (
            SIZE + 1 + FIFO_BYTES + 4,
            stream(SIZE + 1) + stream(SIZE + 1 + FIFO_BYTES + 4)[-3:],
        ),
    ],
    ids=["full", "with the FIFO", "one byte too many", "bytes after that"],
)
def test_a_full_buffer_loses_a_whole_fifo_at_a_time(sent: int, kept: bytes) -> None:
    ports, reader = uarts()
    reader.send(stream(sent), 0.0)
    ports.advance(sent * BYTE_MS + 1)
    assert ports.waiting(1) == SIZE
    data = b""
    while part := ports.read(1, 100):
        data += part
    assert data == kept
    reader.send(b"on", 10_000.0)
    ports.advance(10_100.0)
    assert ports.read(1, SIZE) == b"on"


@pytest.mark.parametrize("options", [{"baud": 115_200}, {"frame": (8, 2, 1)}])
def test_a_wrong_baud_rate_or_frame_gives_wrong_bytes(options: dict[str, object]) -> None:
    ports, reader = uarts(**options)  # type: ignore[arg-type]
    reader.hold(CARD, 0.0)
    ports.advance(100.0)
    assert ports.waiting(1) and ports.read(1, SIZE) != card_frame(CARD)


def test_nothing_is_received_on_another_pin_nor_before_the_setup() -> None:
    ports, reader = uarts(rx=PINS.reader_tx)
    reader.hold(CARD, 0.0)
    ports.advance(100.0)
    assert ports.waiting(1) == 0
    ports, reader = uarts()
    reader.hold(CARD, 0.0)
    ports.setup(100.0, 1, 9600, [8, 0, 1], PINS.reader_rx, SIZE)
    assert ports.waiting(1) == 0


MAIN = """
from machine import UART, Pin
import time
for port in (0, 3):
    try:
        UART(port)
    except ValueError as error:
        print("refused", error)
try:
    UART(1, rxbuf=128)
except OSError as error:
    print("small", error.errno)
uart = UART(1, baudrate=9600, rxbuf=256, tx=READER_TX, rx=READER_RX)
print("one object", UART(1, 9600) is uart, "none", uart.any(), uart.read(256))
line = Pin(READER_RX)
before = None
while True:
    if line.value() != before and not uart.any():
        before = line.value()
        print("level", before)
    data = uart.read(256) if uart.any() else None
    if data:
        print("data", data.hex())
    time.sleep_ms(50)
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    names = "".join(f"{name.upper()} = {getattr(PINS, name)}\n" for name in vars(PINS))
    (firmware / "main.py").write_text(names + MAIN)
    kiosk = Board("kiosk", tmp_path / "kiosk", firmware, speed=10.0, reader=VirtualReader())
    kiosk.flash()
    with kiosk:
        kiosk.start()
        yield kiosk


def test_a_boards_program_reads_cards_and_sees_a_reader_that_is_pulled_out(board: Board) -> None:
    board.wait_console("level 1", TIMEOUT_S)
    assert "refused UART(0) is the console" in board.console
    assert "refused UART(3) does not exist" in board.console
    assert "small 1" in board.console
    assert "one object True none 0 None" in board.console
    assert board.reader
    with board.world.lock:
        board.reader.hold(CARD, board.world.now_ms)
    board.wait_console(f"data {card_frame(CARD).hex()}", TIMEOUT_S)
    with board.world.lock:
        board.reader.pull(board.world.now_ms)
    board.wait_console("level 0", TIMEOUT_S)
    assert "data 00" in board.console
    start = len(board.console)
    with board.world.lock:
        board.reader.plug(board.world.now_ms)
    board.wait_console("level 1", TIMEOUT_S, start=start)
