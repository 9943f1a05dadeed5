"""Drives a lamp post's tower of lamps and its siren, and reads its button.

The board is a kiosk's, with its pins used differently (hardware/lamp-post.md). A relay contact that
is closed at rest lights amber: if the program or the board's supply stops, amber is lit, and the
program must hold it off. A short watchdog (`HOLDING_MS`) guards the board while it does.
"""

from machine import WDT, Pin

import kiosk_board

HOLDING_MS = 4000
"""Time (ms) without `feed` after which the watchdog resets a board that holds amber off."""

_WATCHDOG_MS = 30_000  # while amber is lit: TLS and a silent name server may block for many seconds
_IDENTIFY_MS = 10_000
_BLINK_MS = 500
HELD_MS = 30_000
"""A button that is down for longer (ms) is jammed, or its wire is shorted."""

_DOWN_READS = 2  # reads in a row that make a press: contacts bounce


class Tower:
    """Lamps, siren and button of one post."""

    def __init__(self):
        # The siren and the amber relay first: neither may act before the gateway's state is known.
        self._siren = Pin(kiosk_board.DOOR, Pin.OUT, value=0)
        self._amber_off = Pin(kiosk_board.AMBER, Pin.OUT, value=0)
        self._red = Pin(kiosk_board.RED, Pin.OUT, value=0)
        self._green = Pin(kiosk_board.GREEN, Pin.OUT, value=0)
        self._button = Pin(kiosk_board.READER_TX, Pin.IN, Pin.PULL_UP)
        self._shown = (False, True, False)
        self._sounding = False
        self._reads = None  # reads in a row that found the button down; None: never seen up yet
        self._down_ms = None
        self._blinks = False  # whether to begin to blink
        self._blink_until_ms = 0
        self._holding = False
        self._watchdog = WDT(timeout=_WATCHDOG_MS)

    def show(self, now_ms, red, amber, green):
        """Light these lamps. New ones are lit before others go out, so the tower is never dark."""
        if self._blinks:
            self._blinks, self._blink_until_ms = False, now_ms + _IDENTIFY_MS
        if now_ms < self._blink_until_ms and now_ms // _BLINK_MS % 2:
            amber = True
        if not amber and not self._holding:
            self._guard(True)
        lamps = (red, amber, green)
        if lamps != self._shown:
            self._shown = lamps
            for lit in (True, False):
                if red == lit:
                    self._red.value(lit)
                if amber == lit:
                    self._amber_off.value(not lit)
                if green == lit:
                    self._green.value(lit)
        if amber and self._holding:
            self._guard(False)

    def sound(self, on):
        """Switch the siren on or off."""
        if on != self._sounding:
            self._sounding = on
            self._siren.value(on)

    def identify(self):
        """Blink amber for 10 s, to find this post among others."""
        self._blinks = True

    def feed(self):
        """Feed the watchdog; call it at least every second."""
        self._watchdog.feed()

    def pressed(self, now_ms):
        """Whether the button was pressed since the last call; call it every 20 ms. A button that is
        down when the board starts counts only after it was released."""
        if self._button.value():
            self._reads, self._down_ms = 0, None
            return False
        if self._down_ms is None:
            self._down_ms = now_ms
        if self._reads is None:
            return False
        self._reads += 1
        return self._reads == _DOWN_READS

    def jammed(self, now_ms):
        """Whether the button has been down for `HELD_MS`."""
        return self._down_ms is not None and now_ms - self._down_ms >= HELD_MS

    def _guard(self, holding):
        """Make the watchdog short while amber is held off. A new timeout replaces the one before
        (ports/esp32/machine_wdt.c)."""
        self._holding = holding
        self._watchdog = WDT(timeout=HOLDING_MS if holding else _WATCHDOG_MS)
        self._watchdog.feed()
