"""The `Decision` of a kiosk with a card reader: each scan's result has its person's tap."""

from kiosk.decision import Decision
from kiosk.screening import CONFIRM_MS


class CardDecision(Decision):
    """A `Decision` that pairs taps with scans."""

    def __init__(self, settings, pairing, *paths):
        """Pair the taps of `pairing`; the other arguments are those of `Decision`."""
        Decision.__init__(self, settings, *paths)
        self._pairing = pairing

    def overdue(self, now_ms):
        """As in `Decision`; an alarm uses up its tap."""
        return self._judged(now_ms, Decision.overdue(self, now_ms))

    def fail(self, now_ms):
        """As in `Decision`; the tap is kept for the next scan."""
        judgements = Decision.fail(self, now_ms)
        self._pairing.look(now_ms, self.scan)
        return judgements

    def sample(self, now_ms, object_c, ambient_c):
        """As in `Decision`; a scan that begins discards an old tap."""
        judgements = Decision.sample(self, now_ms, object_c, ambient_c)
        self._pairing.look(now_ms, self.scan)
        return judgements

    def _judge(self, now_ms, result):
        result.card = self._pairing.tap
        alarm = None
        if self._pairing.another(self.screening.pending):
            # Another person, whatever the temperatures: the first person's alarm is due at once.
            alarm = self.screening.overdue(now_ms + CONFIRM_MS)
            result.stayed = False
        judgements = list(Decision._judge(self, now_ms, result))
        return self._judged(now_ms, [alarm] + judgements if alarm else judgements)

    def _judged(self, now_ms, judgements):
        for judgement in judgements:
            self._pairing.judged(now_ms, judgement)
        return judgements
