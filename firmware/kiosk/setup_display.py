"""The display during commissioning: how to join the board's Wi-Fi, and the state of the setup.

Shows in turn the Wi-Fi as a QR code, its name and password, and the page's address.
"""

import asyncio

from kiosk import qr
from kiosk.display import _SIGNS, LINE, Display
from kiosk.words_setup import WORDS

_TURN_MS = 5000
_LOOK_MS = 200
_BORDER = 3  # pixels of quiet zone around the code, the most that 64 rows allow
_PIXELS = 2  # width and height of a module
_SQUARE = 64
_LINE_LETTERS = 16


class SetupDisplay(Display):
    """Display that shows its screens in turn: call `invite`, then `run`; `tell` adds a screen."""

    def __init__(self, bus):
        Display.__init__(self, bus)
        self._code = []
        self._screens = []
        self._news = None
        self._changes = 0

    def invite(self, name, password, address):
        """Set the screens that show how to join the access point and the address of its page."""
        # Format: github.com/zxing/zxing/wiki/Barcode-Contents, Wi-Fi.
        self._code = qr.modules(("WIFI:T:WPA;S:%s;P:%s;;" % (name, password)).encode())
        self._screens = [None, (name, password), ("http://", address)]

    def tell(self, key, about="", sign=None, last=False):
        """Show the state `WORDS[key]` at once, and from then on in turn with the other screens.

        `about`: the second line if `WORDS` has none for `key`; `sign`: "check", "warning" or None;
        `last`: stop showing the invitation.
        """
        head, tail = WORDS[key]
        self._news = (head, (tail or about)[:_LINE_LETTERS], sign)
        if last:
            self._screens = []
        self._changes += 1

    async def run(self):
        """Show the screens in turn, for ever."""
        at = 0
        while True:
            screens = ([self._news] if self._news else []) + self._screens
            changes = self._changes
            self.wanted = screens[at % len(screens)]
            await self.flush()
            for _ in range(_TURN_MS // _LOOK_MS):
                await asyncio.sleep_ms(_LOOK_MS)
                if self._changes != changes:
                    break
            at = at + 1 if self._changes == changes else 0

    async def _draw(self):
        """Draw the screen in `wanted`: None for the QR code, two lines, or two lines and a sign."""
        self.canvas.fill(0)
        if self.wanted is None:
            self._draw_code()
        elif len(self.wanted) == 2:
            self._line(self.wanted[0], 0)
            self._line(self.wanted[1], LINE)
        else:
            head, tail, sign = self.wanted
            self._small(head, 2, 8)
            if sign:
                _SIGNS[sign](self.canvas)
            self._line(tail, LINE)
        await asyncio.sleep_ms(0)

    def _draw_code(self):
        """Draw the QR code, its dark modules on a lit square as cameras expect, and a caption."""
        fill = self.canvas.fill_rect
        fill(0, 0, _SQUARE, _SQUARE, 1)
        for y, row in enumerate(self._code):
            for x in range(qr.SIZE):
                if row >> qr.SIZE - 1 - x & 1:
                    fill(_BORDER + _PIXELS * x, _BORDER + _PIXELS * y, _PIXELS, _PIXELS, 0)
        self.canvas.text("Wi-Fi", _SQUARE + 12, 8)
        head, tail = WORDS["scan"]
        self._small(head, _SQUARE + 16, 24)
        self.canvas.text(tail, _SQUARE + 16, 48)

    def _small(self, text, x, y):
        """Draw Chinese characters 16 pixels wide."""
        for char in text:
            self._glyph(self.glyphs.get(char), x, y, 1)
            x += 16
