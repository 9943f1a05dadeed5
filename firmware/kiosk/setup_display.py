"""What the display shows while a board is set up by phone: in turns the Wi-Fi as a QR code, its
name and password, the page's address; then what is going on, and how it ended.
"""

import asyncio

from kiosk import qr
from kiosk.display import _SIGNS, LINE, Display
from kiosk.words_setup import WORDS

_TURN_MS = 5000
_LOOK_MS = 200
_BORDER = 3  # pixels of quiet zone about the code: what 64 rows leave
_PIXELS = 2  # of a module
_SQUARE = 64
_LINE_LETTERS = 16


class SetupDisplay(Display):
    """`invite`, then `run` for ever; `tell` what goes on takes a turn before the others."""

    def __init__(self, bus):
        Display.__init__(self, bus)
        self._code = []
        self._screens = []
        self._news = None
        self._told = 0

    def invite(self, name, password, address):
        """Show how to join the access point `name`, and where its page is."""
        # As phones' cameras take it: github.com/zxing/zxing/wiki/Barcode-Contents, Wi-Fi.
        self._code = qr.modules(("WIFI:T:WPA;S:%s;P:%s;;" % (name, password)).encode())
        self._screens = [None, (name, password), ("http://", address)]

    def tell(self, key, about="", sign=None, last=False):
        """Say `WORDS[key]`, or its first line and `about`, with a sign, "check" or "warning", from
        now on in turns; `last`: and no invitation any more."""
        head, tail = WORDS[key]
        self._news = (head, (tail or about)[:_LINE_LETTERS], sign)
        if last:
            self._screens = []
        self._told += 1

    async def run(self):
        """Show one screen after the other, for ever."""
        at = 0
        while True:
            screens = ([self._news] if self._news else []) + self._screens
            told = self._told
            self._wanted = screens[at % len(screens)]
            await self.flush()
            for _ in range(_TURN_MS // _LOOK_MS):
                await asyncio.sleep_ms(_LOOK_MS)
                if self._told != told:
                    break
            at = at + 1 if self._told == told else 0

    async def _draw(self):
        """Into memory, as the base does for its own messages."""
        self._canvas.fill(0)
        if self._wanted is None:
            self._draw_code()
        elif len(self._wanted) == 2:
            self._line(self._wanted[0], 0)
            self._line(self._wanted[1], LINE)
        else:
            head, tail, sign = self._wanted
            self._small(head, 2, 8)
            if sign:
                _SIGNS[sign](self._canvas)
            self._line(tail, LINE)
        await asyncio.sleep_ms(0)

    def _draw_code(self):
        """Dark modules on a lit square, which is what a camera expects, and what it is for."""
        fill = self._canvas.fill_rect
        fill(0, 0, _SQUARE, _SQUARE, 1)
        for y, row in enumerate(self._code):
            for x in range(qr.SIZE):
                if row >> qr.SIZE - 1 - x & 1:
                    fill(_BORDER + _PIXELS * x, _BORDER + _PIXELS * y, _PIXELS, _PIXELS, 0)
        self._canvas.text("Wi-Fi", _SQUARE + 12, 8)
        head, tail = WORDS["scan"]
        self._small(head, _SQUARE + 16, 24)
        self._canvas.text(tail, _SQUARE + 16, 48)

    def _small(self, text, x, y):
        """Chinese characters of 16 pixels."""
        for char in text:
            self._glyph(self._glyphs.get(char), x, y, 1)
            x += 16
