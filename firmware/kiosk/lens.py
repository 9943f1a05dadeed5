"""Whether the lens sees faces as they are: behind dirt or tape all of them are too cold. Pure."""

from kiosk import screening

SCANS = 20
"""In a row. Who stands too far away comes nearer when asked; twenty who do not are no people's
fault. Cold skin is another reason: a frosty morning is no dirty lens."""


class Lens:
    """Told the reason of each judgement; `blocked` until a face reads as skin again."""

    def __init__(self):
        self._far = 0

    @property
    def blocked(self):
        """Whether something lies on the lens."""
        return self._far >= SCANS

    def judged(self, reason):
        """Take one judgement's reason."""
        if reason == screening.FAR:
            self._far += 1
        elif reason not in (screening.SHORT, screening.MOVING, screening.SENSOR):
            self._far = 0
