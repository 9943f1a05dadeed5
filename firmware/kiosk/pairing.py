"""Finds whose card belongs to which scan. Pure: no I/O, times in milliseconds that only increase.

A tap belongs to the scan that runs, or to the next that begins within `TAP_MS`; the last tap wins.
A final verdict spends the tap. A retry keeps it, because a person who is scanned again does not tap
again. If the person taps once more after the verdict, still in view, that tap is ignored: it would
count for the next person.
"""

from kiosk.scan import WAITING
from kiosk.screening import RETRY, UNCONFIRMED

TAP_MS = 8000
"""Longest time from a tap to the beginning of its scan; a later scan is of somebody else."""

HELD_MS = 1500
"""Longest pause between two reports of a card that is held to the reader; after a longer one the
same card has been tapped again."""


class Tap:
    """One tap of a card: the card's `number` (8 bytes), and `count`, the tap's number since boot.

    `permit`: the gateway's answer, or ""; `kept`: the card's number, sealed to be kept on flash, or
    ""; `spent`: the person has been given a final verdict.
    """

    def __init__(self, number, count, at_ms):
        self.number = number
        self.count = count
        self.at_ms = at_ms
        self.permit = ""
        self.kept = ""
        self.spent = False


class Pairing:
    """The `tap` of the running scan, or for the next one, or None; `count`: taps since boot."""

    def __init__(self):
        self.tap = None
        self.count = 0
        self._last = None  # the newest tap, spent or not
        self._last_ms = 0
        self._scanning = False
        self._judged_number = (
            None  # number of the card whose person has had the verdict and is in view
        )

    def card(self, now_ms, number):
        """Take a number that the reader sent; returns the new `Tap`, or None for a card that is
        still held to the reader, or whose person has had the verdict and is still in view."""
        last = self._last
        if last is not None and last.number == number and now_ms - self._last_ms <= HELD_MS:
            self._last_ms = last.at_ms = now_ms
            return None
        if number == self._judged_number:
            return None
        self.count += 1
        self.tap = self._last = Tap(number, self.count, now_ms)
        self._last_ms = now_ms
        return self.tap

    def look(self, now_ms, scan):
        """Call after each sample, with the `Scan`: when a scan begins, a tap older than `TAP_MS` is
        dropped."""
        if scan.state == WAITING:
            self._judged_number = None
        begins = scan.scanning and not self._scanning
        if begins and self.tap is not None and now_ms - self.tap.at_ms > TAP_MS:
            self.tap = None
        self._scanning = scan.scanning

    def another(self, first):
        """Whether the cards show that the scan that ends is of another person than `first`, the
        judgement before it, or None. False where either has no card."""
        if first is None or first.scan.card is None or self.tap is None:
            return False
        return first.scan.card.number != self.tap.number

    def judged(self, now_ms, judgement):
        """Call with each judgement, in order: spends the tap in its `scan.card`, or keeps it.

        A scan whose tap an alarm has just spent was, by its temperature, of another person, who
        has no card."""
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
                self._judged_number = tap.number
