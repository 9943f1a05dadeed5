"""Driver of the SSD1306 display, 128 x 64 pixels over I2C: two large lines, or digits and a line.

Source: Solomon Systech SSD1306 data sheet rev 1.1. The sensor is on the same bus, so drawing is
asynchronous. It sends only changed pages, one page (128 bytes, 13 ms at 100 kHz) at a time. A
display that an electrostatic discharge has reset acknowledges but stays dark. The display is
therefore initialised and written again now and then.
"""

import asyncio
import binascii
import time

import framebuf

from kiosk.errors import BusError
from kiosk.glyphs import Glyphs

_ADDRESS = 0x3C
_WIDTH = 128
_PAGES = 8

_INIT = b"\x20\x00\x40\xa1\xa8\x3f\xc8\xd3\x00\xda\x12\xd5\x80\xd9\xf1\xdb\x30\xa4\xa6\x8d\x14\xaf"
# Segments a to g of each digit, as on a seven-segment display.
_SEGMENTS = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
_DIGIT_W = 19
_DIGIT_H = 28
_THICK = 4
LINE = 32
_AT_ONCE = 16  # bytes of a transfer: a bus fault during a transfer blocks for 100 ms a byte
_AGAIN_MS = 10_000  # pause after a failure, because each try may block
_ALL = 0xFF  # every page
_PROBE = b"\xe3"  # NOP, sent first: a missing display is found with two bytes, not all of `_INIT`


class Display:
    """A display: `message` sets what to show, `flush` draws and sends it.

    Screening goes on without a display, so no error is raised. `ok` is False when the display does
    not answer, or must be initialised again.
    """

    def __init__(self, bus):
        self._bus = bus
        self._buffer = bytearray(1 + _AT_ONCE)  # after the control byte
        self._buffer[0] = 0x40
        self._frame = bytearray(_WIDTH * _PAGES)
        self._view = memoryview(self._frame)
        self._shown = [0] * _PAGES  # CRC-32 of what each page shows
        self.canvas = framebuf.FrameBuffer(self._frame, _WIDTH, _PAGES * 8, framebuf.MONO_VLSB)
        self._unknown = _ALL  # a bit for each page whose content on the display is unknown
        self._drawing = False
        self._stale = False
        self.glyphs = Glyphs()
        self._extra_glyphs = {}
        self.wanted = ("", "", None, None)
        self._inverted = False
        self._contrast = b"\x81\xcf"
        self._failed_ms = None
        self.ok = False

    def start(self):
        """Initialise the display after power-up or a fault; not within `_AGAIN_MS` of a failure."""
        now = time.ticks_ms()
        if self._failed_ms is not None and time.ticks_diff(now, self._failed_ms) < _AGAIN_MS:
            return
        self._failed_ms = None
        self._unknown = _ALL
        self.ok = True
        for commands in (_PROBE, _INIT, self._contrast, b"\xa7" if self._inverted else b"\xa6"):
            self._try(commands)

    def renew(self):
        """Make the next `flush` initialise the display and send all pages again."""
        self.ok = False

    def brightness(self, percent):
        """Set the brightness (1 to 100 %); it is sent again with each initialisation."""
        self._contrast = bytes((0x81, 255 * percent // 100))
        self._try(self._contrast)

    def notice(self, glyphs):
        """Set the shapes of the notice's characters: {character: 32 bytes, two per row}."""
        self._extra_glyphs = glyphs

    def message(self, head, tail, body_c=None, sign=None):
        """Set what the next `flush` shows: `head` above `tail`, 32 pixels each.

        With `body_c` (°C), its digits and `sign` ("check", "warning" or None) replace `head`;
        a warning is shown inverted, dark on light.
        """
        self.wanted = (head, tail, body_c, sign)

    async def flush(self):
        """Draw and send the changed pages; other tasks run between pages."""
        self._stale = True
        if self._drawing:
            return  # the `flush` that is running draws again
        self._drawing = True
        try:
            while self._stale:
                self._stale = False
                if not self.ok:
                    self.start()
                await self._draw()
                for page in range(_PAGES):
                    if self.ok and self._changed(page):
                        self._page(page)
                        await asyncio.sleep_ms(0)
        except OSError:
            self._failed()
        except BusError:
            self.ok = False  # no pause of `_AGAIN_MS`: nothing was sent, so nothing blocked
        finally:
            self._drawing = False

    def _changed(self, page):
        return self._unknown >> page & 1 or self._sum(page) != self._shown[page]

    def _sum(self, page):
        return binascii.crc32(self._view[page * _WIDTH : (page + 1) * _WIDTH])

    def _page(self, page):
        self._command(bytes((0x21, 0, _WIDTH - 1, 0x22, page, page)))
        self._unknown |= 1 << page
        for start in range(page * _WIDTH, (page + 1) * _WIDTH, _AT_ONCE):
            self._buffer[1:] = self._view[start : start + _AT_ONCE]
            self._bus.i2c.writeto(_ADDRESS, self._buffer)
        self._shown[page] = self._sum(page)
        self._unknown &= ~(1 << page)

    def _try(self, commands):
        """Send commands if the display is `ok`; an error sets `ok` to False."""
        try:
            if self.ok:
                self._command(commands)
        except OSError:
            self._failed()
        except BusError:
            self.ok = False

    def _failed(self):
        self.ok = False  # send no more: each further page would block just as long
        self._failed_ms = time.ticks_ms()

    def _command(self, commands):
        self._bus.check()
        self._bus.i2c.writeto(_ADDRESS, b"\x00" + commands)

    async def _draw(self):
        """Draw into memory; other tasks, such as the scan, run between lines."""
        head, tail, body_c, sign = self.wanted
        self.canvas.fill(0)
        if body_c is None:
            self._line(head, 0)
        else:
            self._digits(body_c)
            if sign:
                _SIGNS[sign](self.canvas)
        await asyncio.sleep_ms(0)
        self._line(tail, LINE)
        await asyncio.sleep_ms(0)
        if self._inverted != (sign == "warning"):
            self._inverted = not self._inverted
            self._try(b"\xa7" if self._inverted else b"\xa6")

    def _line(self, text, y):
        """Draw a centred line: Chinese characters 32 pixels wide and letters 16, or half as wide
        if the text is longer than four Chinese characters or eight letters."""
        units = sum([1 if ord(char) < 128 else 2 for char in text])
        scale = 2 if units * 16 <= _WIDTH else 1
        x = (_WIDTH - units * 8 * scale) // 2
        for char in text:
            if ord(char) < 128:
                self._letter(char, x, y, scale)
                x += 8 * scale
            else:
                rows = self.glyphs.get(char) or self._extra_glyphs.get(char)
                self._glyph(rows, x, y + (LINE - 16 * scale) // 2, scale)
                x += 16 * scale

    def _letter(self, char, x, y, scale):
        """Draw a letter of the built-in font, stretched in height so that it can be read from as
        far away as a Chinese character."""
        column = bytearray(8)
        framebuf.FrameBuffer(column, 8, 8, framebuf.MONO_VLSB).text(char, 0, 0)
        high = 2 + scale
        y += (LINE - 8 * high) // 2
        for index in range(8):
            bits = column[index]
            row = 0
            while bits >> row:
                if bits >> row & 1:
                    run = 1
                    while bits >> row + run & 1:
                        run += 1
                    self.canvas.fill_rect(x + index * scale, y + row * high, scale, run * high, 1)
                    row += run
                else:
                    row += 1

    def _glyph(self, rows, x, y, scale):
        if rows is None:
            self.canvas.rect(x, y, 16 * scale, 16 * scale, 1)
            return
        for row in range(16):
            bits = rows[2 * row] << 8 | rows[2 * row + 1]
            column = 0
            while bits & 0xFFFF >> column:
                if bits << column & 0x8000:
                    run = 1
                    while bits << column + run & 0x8000:
                        run += 1
                    self.canvas.fill_rect(
                        x + column * scale, y + row * scale, run * scale, scale, 1
                    )
                    column += run
                else:
                    column += 1

    def _digits(self, body_c):
        x = 2
        for char in "%.1f" % body_c:
            if char == ".":
                self.canvas.fill_rect(x, _DIGIT_H - _THICK, _THICK, _THICK, 1)
                x += _THICK + 3
            elif char == "-":
                x += _DIGIT_W
            else:
                self._digit(int(char), x)
                x += _DIGIT_W + 4
        self.canvas.rect(x, 0, 5, 5, 1)
        self.canvas.text("C", x + 6, 0)

    def _digit(self, digit, x):
        lit = _SEGMENTS[digit]
        half = _DIGIT_H // 2
        fill = self.canvas.fill_rect
        for bit, left, top, width, height in (
            (0, 0, 0, _DIGIT_W, _THICK),
            (1, _DIGIT_W - _THICK, 0, _THICK, half),
            (2, _DIGIT_W - _THICK, half, _THICK, half),
            (3, 0, _DIGIT_H - _THICK, _DIGIT_W, _THICK),
            (4, 0, half, _THICK, half),
            (5, 0, 0, _THICK, half),
            (6, 0, half - _THICK // 2, _DIGIT_W, _THICK),
        ):
            if lit >> bit & 1:
                fill(x + left, top, width, height, 1)


def _check(canvas):
    for thick in range(5):
        canvas.line(100, 12 + thick, 109, 22 + thick, 1)
        canvas.line(109, 22 + thick, 127, 2 + thick, 1)


def _warning(canvas):
    for row in range(28):
        half = 1 + row // 2
        canvas.hline(113 - half, row, 2 * half, 1)
    canvas.fill_rect(111, 9, 4, 10, 0)
    canvas.fill_rect(111, 22, 4, 4, 0)


_SIGNS = {"check": _check, "warning": _warning}
