"""Finds whose card belongs to which scan. Pure: no I/O, times in milliseconds that only increase.

A tap belongs to the scan that runs, or to the next that begins within `TAP_MS`; the last tap wins.
A final verdict spends it. A retry keeps it, for whoever tries once more does not tap again. Whoever
taps again after the verdict, still in view, has had it: that tap is not for the next person.
"""

from kiosk.scan import WAITING
from kiosk.screening import RETRY, UNCONFIRMED

TAP_MS = 8000
"""A scan that begins later after a tap is not of whoever tapped."""

HELD_MS = 1500
"""A reader repeats a card that is held to it; the same card after a longer pause is another tap."""


class Tap:
    """A card at the reader: its number (8 bytes), its `count` since boot.

    `permit`: the gateway's answer, or ""; `kept`: the number as the flash may hold it, or "";
    `spent`: a final verdict has been given to its person.
    """

    def __init__(self, number, count, at_ms):
        self.number = number
        self.count = count
        self.at_ms = at_ms
        self.permit = ""
        self.kept = ""
        self.spent = False


class Pairing:
    """The tap that waits for a scan, or that the running scan has; `count`: taps since boot."""

    def __init__(self):
        self.tap = None
        self.count = 0
        self._last = None  # the newest tap, spent or not
        self._last_ms = 0
        self._scanning = False
        self._done = None  # number of the card whose person has had the verdict and is in view

    def card(self, now_ms, number):
        """Take a number that the reader sent; returns the new `Tap`, or None for a card that is
        still held to the reader, or whose person has had the verdict and is still in view."""
        last = self._last
        if last is not None and last.number == number and now_ms - self._last_ms <= HELD_MS:
            self._last_ms = last.at_ms = now_ms
            return None
        if number == self._done:
            return None
        self.count += 1
        self.tap = self._last = Tap(number, self.count, now_ms)
        self._last_ms = now_ms
        return self.tap

    def look(self, now_ms, scan):
        """Call with each sample, and the state of the `Scan`: one that begins gives up a tap that
        came too long before."""
        if scan.state == WAITING:
            self._done = None
        begins = scan.scanning and not self._scanning
        if begins and self.tap is not None and now_ms - self.tap.at_ms > TAP_MS:
            self.tap = None
        self._scanning = scan.scanning

    def another(self, first):
        """Whether the scan that ends is known to be of another person than the judgement `first`,
        or None, before it: both have a card."""
        if first is None or first.scan.card is None or self.tap is None:
            return False
        return first.scan.card.number != self.tap.number

    def judged(self, now_ms, judgement):
        """Call with each judgement, whose `scan` has its `card`, in order: spends the tap or keeps
        it. A scan after its alarm was, by temperature, of somebody without a card."""
        tap = judgement.scan.card
        if tap is None:
            return
        if tap.spent:
            judgement.scan.card = None
        elif judgement.verdict == RETRY:
            tap.at_ms = now_ms
        else:
            tap.spent = True
            if tap is self.tap:
                self.tap = None
            if judgement.reason != UNCONFIRMED:
                self._done = tap.number
