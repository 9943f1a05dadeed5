"""The kiosks' own dates as evidence for the machine's clock."""

AGREE_S = 120.0
"""Largest difference with which a kiosk's date still agrees with the clock."""

VOTE_S = 600.0
"""Time for which a kiosk's date counts as its vote."""

_MOST = 1000


class KioskVotes:
    """Which kiosks' dates agree with the clock, and how long the majority has agreed.

    `now` is the uptime (s).
    """

    def __init__(self) -> None:
        self._votes: dict[str, tuple[float, bool]] = {}
        self._told: set[str] = set()
        self._agreed_since: float | None = None
        self._voted_at = float("-inf")

    def told(self, kiosk: str) -> None:
        """Note that a kiosk got the time from us, so its agreement is no evidence."""
        self._told.add(kiosk)

    def says(self, kiosk: str, now: float, off_s: float) -> None:
        """Count a kiosk's date, which differs from the clock by `off_s`, as its vote, unless the
        kiosk got the time from us."""
        if kiosk in self._told:
            return
        if len(self._votes) < _MOST or kiosk in self._votes:
            self._votes[kiosk] = (now, abs(off_s) <= AGREE_S)
        votes = [agrees for heard_at, agrees in self._votes.values() if now - heard_at <= VOTE_S]
        if 2 * sum(votes) <= len(votes):
            self._agreed_since = None
        elif self._agreed_since is None or now - self._voted_at > VOTE_S:
            self._agreed_since = now
        self._voted_at = now

    def agreed_s(self, now: float) -> float:
        """Return how long (s) most kiosks have agreed; 0 if no vote came within `VOTE_S`."""
        if self._agreed_since is None or now - self._voted_at > VOTE_S:
            return 0.0
        return now - self._agreed_since

    def reset(self) -> None:
        """Discard the agreement so far, after the clock was set."""
        self._agreed_since = None
