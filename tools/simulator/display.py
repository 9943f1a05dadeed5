"""A virtual SSD1306 display of 128 x 64 pixels on I2C.

Source: Solomon Systech SSD1306 data sheet rev 1.1, sections 8.1.5 (I2C), 8.7 (GDDRAM), 10.
"""

from simulator.errors import BusTimeoutError, NotAcknowledgedError

ADDRESS = 0x3C
WIDTH = 128
HEIGHT = 64
PAGES = HEIGHT // 8

# Bytes that follow a command; scroll commands are accepted without effect.
_ARGUMENTS = {
    **dict.fromkeys((0x20, 0x81, 0x8D, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1),
    **dict.fromkeys((0x21, 0x22, 0xA3), 2),
    **dict.fromkeys((0x29, 0x2A), 5),
    **dict.fromkeys((0x26, 0x27), 6),
}
_HORIZONTAL, _VERTICAL, _PAGE = 0, 1, 2
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class VirtualSSD1306:
    """Decodes commands and display data; `on`, `inverted` and `contrast` are as commanded.

    `present`: whether it acknowledges its address; `hangs`: whether it holds a wire low once it is
    addressed.
    """

    def __init__(self) -> None:
        self.address = ADDRESS
        self.present = True
        self.hangs = False
        self.power_on()

    def power_on(self, _now_ms: float = 0.0) -> None:
        """Set the reset values, and clear the memory, which in a real part holds noise."""
        self._memory = bytearray(WIDTH * PAGES)
        self.on = False
        self.inverted = False
        self.contrast = 0x7F
        self._all_on = False
        self._mode = _PAGE
        self._columns = (0, WIDTH - 1)
        self._pages = (0, PAGES - 1)
        self._column = self._page = 0
        self._start_line = 0
        self._flip_x = self._flip_y = False
        self._command = -1
        self._arguments = bytearray()

    def spark(self) -> None:
        """Reset the registers as a static discharge does; the part still acknowledges."""
        self.power_on()

    def power_off(self) -> None:
        """Turn dark."""
        self.on = False

    def answers(self, address: int) -> bool:
        """Whether the display is present and has this address."""
        return self.present and address == self.address

    def holds_sda(self, _now_ms: float) -> bool:
        """Whether it holds SDA low: never."""
        return False

    def clocked(self, _now_ms: float) -> None:
        """Ignore a clock pulse driven as GPIO."""

    def sda_was_low(self, _now_ms: float, _low_ms: float) -> None:
        """Ignore a wake pulse."""

    def transfer(
        self, _now_ms: float, address: int, data: bytes, count: int, clock_hz: int = 400_000
    ) -> bytes:
        """Take control bytes, commands and data; a read returns the status byte (8.1.3)."""
        if clock_hz > 400_000:
            raise NotAcknowledgedError(f"no answer from 0x{address:02x}: above 400 kHz")
        if self.hangs:
            raise BusTimeoutError("a wire is held low in the middle of a transfer")
        index = 0
        while index < len(data):
            control = data[index]
            is_data = bool(control & 0x40)
            if control & 0x80:  # Co: one byte, then another control byte
                part = data[index + 1 : index + 2]
                index += 2
            else:
                part = data[index + 1 :]
                index = len(data)
            for byte in part:
                if is_data:
                    self._store(byte)
                else:
                    self._take(byte)
        return bytes((0x00 if self.on else 0x40,)) * count

    def pixel(self, x: int, y: int) -> bool:
        """Whether a pixel is lit, seen upright with the usual mounting (commands A1, C8)."""
        if not self.on:
            return False
        if self._all_on:
            return not self.inverted
        column = x if self._flip_x else WIDTH - 1 - x
        row = y if self._flip_y else HEIGHT - 1 - y
        row = (row + self._start_line) % HEIGHT
        lit = bool(self._memory[row // 8 * WIDTH + column] >> (row % 8) & 1)
        return lit != self.inverted

    def rows(self) -> list[list[bool]]:
        """All pixels, as 64 rows of 128 from the top left."""
        return [[self.pixel(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]

    def to_text(self) -> str:
        """The picture in 16 lines of 64 braille characters."""
        rows = self.rows()
        lines: list[str] = []
        for top in range(0, HEIGHT, 4):
            line = ""
            for left in range(0, WIDTH, 2):
                dots = sum(
                    bit
                    for dy, bits in enumerate(_BRAILLE)
                    for dx, bit in enumerate(bits)
                    if rows[top + dy][left + dx]
                )
                line += chr(0x2800 + dots)
            lines.append(line)
        return "\n".join(lines)

    def svg_path(self, pixel_size: int) -> str:
        """The lit pixels as an SVG path's `d`; neighbours in a row share a rectangle."""
        gap = pixel_size * 0.1
        parts: list[str] = []
        for y, row in enumerate(self.rows()):
            x = 0
            while x < WIDTH:
                start = x
                while x < WIDTH and row[x]:
                    x += 1
                if x > start:
                    width = (x - start) * pixel_size
                    parts.append(f"M{start * pixel_size} {y * pixel_size + gap:g}")
                    parts.append(f"h{width}v{pixel_size - gap:g}h{-width}z")
                x += 1
        return "".join(parts)

    def _take(self, byte: int) -> None:
        if self._command < 0:
            self._command = byte
            self._arguments.clear()
        else:
            self._arguments.append(byte)
        if len(self._arguments) == _ARGUMENTS.get(self._command, 0):
            self._do(self._command, self._arguments)
            self._command = -1

    def _do(self, command: int, arguments: bytearray) -> None:
        if command == 0x20:
            # 3 is invalid (table 9-1) and taken as the reset value.
            self._mode = min(arguments[0] & 0x03, _PAGE)
        elif command == 0x21:
            self._columns = (arguments[0] & 0x7F, arguments[1] & 0x7F)
            self._column = self._columns[0]
        elif command == 0x22:
            self._pages = (arguments[0] & 0x07, arguments[1] & 0x07)
            self._page = self._pages[0]
        elif command == 0x81:
            self.contrast = arguments[0]
        elif command <= 0x0F:
            self._column = self._column & 0x70 | command
        elif command <= 0x1F:
            self._column = (command & 0x07) << 4 | self._column & 0x0F
        elif 0x40 <= command <= 0x7F:
            self._start_line = command & 0x3F
        elif 0xB0 <= command <= 0xB7:
            self._page = command & 0x07
        else:
            self._switch(command)

    def _switch(self, command: int) -> None:
        if command in (0xA0, 0xA1):
            self._flip_x = command == 0xA1
        elif command in (0xA4, 0xA5):
            self._all_on = command == 0xA5
        elif command in (0xA6, 0xA7):
            self.inverted = command == 0xA7
        elif command in (0xAE, 0xAF):
            self.on = command == 0xAF
        elif command in (0xC0, 0xC8):
            self._flip_y = command == 0xC8

    def _store(self, byte: int) -> None:
        self._memory[self._page * WIDTH + self._column] = byte
        if self._mode == _PAGE:
            self._column = (self._column + 1) % WIDTH
            return
        along_columns = self._mode == _HORIZONTAL
        if along_columns:
            if self._next_column():
                self._next_page()
        elif self._next_page():
            self._next_column()

    def _next_column(self) -> bool:
        wrapped = self._column == self._columns[1]
        self._column = self._columns[0] if wrapped else (self._column + 1) % WIDTH
        return wrapped

    def _next_page(self) -> bool:
        wrapped = self._page == self._pages[1]
        self._page = self._pages[0] if wrapped else (self._page + 1) % PAGES
        return wrapped
