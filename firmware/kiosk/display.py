"""SSD1306, 128 x 64, over I2C: large digits, a word, an instruction.

Source: Solomon Systech SSD1306 data sheet rev 1.1. Drawing is asynchronous, a page (128
bytes, 12 ms at 100 kHz) at a time, and only pages that changed: the sensor is on the same bus.
"""

import asyncio

import framebuf

from kiosk.glyphs import GLYPHS

ADDRESS = 0x3C
WIDTH = 128
PAGES = 8

_INIT = (
    b"\xae\x20\x00\x40\xa1\xa8\x3f\xc8\xd3\x00\xda\x12\xd5\x80\xd9\xf1\xdb\x30\xa4\xa6\x8d\x14\xaf"
)
# Segments a to g of each digit, as on a seven-segment display.
_SEGMENTS = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
_DIGIT_W = 22
_DIGIT_H = 40
_THICK = 5


class Display:
    """Draws into memory at once; `flush` brings it to the glass.

    A display that is missing or broken is not a reason to stop screening: `ok` says so.
    """

    def __init__(self, bus):
        self._bus = bus
        self._buffer = bytearray(1 + WIDTH)  # one page, behind its control byte
        self._buffer[0] = 0x40
        self._frame = bytearray(WIDTH * PAGES)
        self._shown = bytearray(WIDTH * PAGES)
        self._canvas = framebuf.FrameBuffer(self._frame, WIDTH, PAGES * 8, framebuf.MONO_VLSB)
        self._drawing = False
        self._stale = False
        self._contrast = b"\x81\xcf"
        self.ok = False

    def start(self):
        """Switch the glass on; after power-up and after a fault."""
        try:
            self._command(_INIT)
            self._command(self._contrast)
            self._shown = bytearray(b"\xff" * len(self._frame))  # unlike any page: draw all
            self.ok = True
        except OSError:
            self.ok = False

    def brightness(self, percent):
        """How bright, from 1 to 100 %; at once if the glass is on, else when it is."""
        self._contrast = bytes((0x81, 255 * percent // 100))
        if self.ok:
            try:
                self._command(self._contrast)
            except OSError:
                self.ok = False

    def message(self, head, tail, body_c=None):
        """Draw a head line and an instruction; with a temperature, large digits between."""
        self._canvas.fill(0)
        if body_c is None:
            self._text(head, 4, 2)
            self._text(tail, 44, 1)
        else:
            self._digits(body_c)
            self._text(head, 47, 1)

    async def flush(self):
        """Bring what changed to the glass, giving way between pages."""
        self._stale = True
        if self._drawing:
            return  # the one at work goes round again
        self._drawing = True
        try:
            while self._stale:
                self._stale = False
                if not self.ok:
                    self.start()
                for page in range(PAGES):
                    if self.ok and self._changed(page):
                        self._page(page)
                        await asyncio.sleep_ms(0)
        except OSError:
            self.ok = False
        finally:
            self._drawing = False

    def _changed(self, page):
        start = page * WIDTH
        stop = start + WIDTH
        return self._frame[start:stop] != self._shown[start:stop]

    def _page(self, page):
        start = page * WIDTH
        stop = start + WIDTH
        self._command(bytes((0x21, 0, WIDTH - 1, 0x22, page, page)))
        self._buffer[1:] = self._frame[start:stop]
        self._bus.i2c.writeto(ADDRESS, self._buffer)
        self._shown[start:stop] = self._frame[start:stop]

    def _command(self, commands):
        self._bus.i2c.writeto(ADDRESS, b"\x00" + commands)

    def _text(self, text, y, scale):
        """Centred; Chinese glyphs are 16 x 16, the built-in font 8 x 8 (doubled where it fits)."""
        wide = any(ord(char) > 127 for char in text)
        if not wide:
            scale = 2 if len(text) * 16 <= WIDTH else 1
            x = (WIDTH - len(text) * 8 * scale) // 2
            self._ascii(text, x, y + (16 - 8 * scale) // 2, scale)
            return
        scale = min(scale, WIDTH // (16 * len(text)))
        x = (WIDTH - len(text) * 16 * scale) // 2
        for char in text:
            self._glyph(GLYPHS.get(char), x, y, scale)
            x += 16 * scale

    def _ascii(self, text, x, y, scale):
        if scale == 1:
            self._canvas.text(text, x, y)
            return
        line = bytearray(len(text) * 8)
        source = framebuf.FrameBuffer(line, len(text) * 8, 8, framebuf.MONO_VLSB)
        source.text(text, 0, 0)
        for column in range(len(text) * 8):
            bits = line[column]
            for row in range(8):
                if bits >> row & 1:
                    self._canvas.fill_rect(x + column * 2, y + row * 2, 2, 2, 1)

    def _glyph(self, rows, x, y, scale):
        if rows is None:
            self._canvas.rect(x, y, 16 * scale, 16 * scale, 1)
            return
        for row in range(16):
            bits = rows[2 * row] << 8 | rows[2 * row + 1]
            for column in range(16):
                if bits >> (15 - column) & 1:
                    self._canvas.fill_rect(x + column * scale, y + row * scale, scale, scale, 1)

    def _digits(self, body_c):
        text = "%.1f" % body_c
        x = 8
        for char in text:
            if char == ".":
                self._canvas.fill_rect(x, _DIGIT_H - _THICK, _THICK, _THICK, 1)
                x += _THICK + 4
            elif char == "-":
                x += _DIGIT_W
            else:
                self._digit(int(char), x)
                x += _DIGIT_W + 5
        self._canvas.rect(x, 0, 6, 6, 1)
        self._canvas.text("C", x + 8, 2)

    def _digit(self, digit, x):
        lit = _SEGMENTS[digit]
        half = _DIGIT_H // 2
        fill = self._canvas.fill_rect
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
