"""Answers the person: shows the verdict, then stores the reading on flash, then sends it.

The order lets the person wait for neither flash nor network.
"""

from kiosk import messages, record, screening
from kiosk.errors import OutboxError
from kiosk.panel import LOW

_TRIES_MS = 8000  # (ms) a person who tries again is back within this time
_SHOWN_MS = 1500  # shortest time (ms) for which a verdict is shown


class Answers:
    """The answers of an `App`. `scans` counts the answers, and `unkept` the readings that the flash
    refused."""

    def __init__(self, app):
        self._app = app
        self.scans = 0
        self.unkept = 0
        self._shown_ms = None  # when the verdict on the panel was shown; None: there is none
        self._far = False  # whether the last answer was that no face is in view
        self._far_ms = 0
        self._red = False  # whether the last verdict was a fever

    @property
    def stands(self):
        """Whether the panel shows a verdict."""
        return self._shown_ms is not None

    def red(self, now):
        """Whether the panel shows a fever, and has not yet shown it for long enough."""
        return self._red and self.stands and now - self._shown_ms < _SHOWN_MS

    def done(self, now):
        """Whether a verdict has been shown for long enough; if so, the panel is free again."""
        if not self.stands or now - self._shown_ms < _SHOWN_MS:
            return False
        self.clear()
        return True

    def clear(self):
        """Note that the panel shows something else."""
        self._shown_ms = None

    def give(self, judgements, now):
        """Send all judgements and show the last; the others are of people who have left."""
        if judgements:
            self._show(judgements[-1], now)
        for judgement in judgements:
            self._send(judgement, now)

    def _show(self, judgement, now):
        app, verdict, reason = self._app, judgement.verdict, judgement.reason
        try:
            low = reason == screening.FAR and self._far and now - self._far_ms < _TRIES_MS
            hold = app.cards and app.cards.hold(judgement)
            if hold:
                app.panel.fault(hold)  # amber without a sound
            else:
                app.panel.verdict(verdict, LOW if low else reason, judgement.body_c)
        except Exception as error:  # the LED is already lit; the reading must still be sent
            print("verdict not shown:", error)
        self._shown_ms = self._far_ms = now
        self._far = reason == screening.FAR
        self._red = verdict == screening.FEVER
        if verdict == screening.RETRY:
            app.decision.scan.ask_again()

    def _send(self, judgement, now):
        app = self._app
        self.scans += 1
        seq = self.scans
        values = messages.values_of(app.settings, seq, now, judgement, len(app.outbox))
        if app.cards:
            app.cards.add(values, judgement.scan)
        data = record.pack(values)
        try:
            app.outbox.add(app.boot, data)
        except OutboxError as error:
            # The flash is full or broken: send the reading anyway, and count it as unkept.
            self.unkept += 1
            print("record not kept:", error)
        text = messages.reading(app.settings.kiosk, app.boot, data)
        print("reading", text)
        app.link.send(app.boot, seq, judgement.verdict == screening.FEVER, text)
        try:
            app.decision.remember()
        except OSError as error:
            print("crowd not kept:", error)
