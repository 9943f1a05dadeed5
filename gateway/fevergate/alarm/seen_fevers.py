"""Fevers that have been raised before, so that a redelivered reading raises no second alarm.

A kiosk sends a fever again until the gateway confirms that the fever is stored, which may take
weeks, so no fever is forgotten while there is room. Each takes four bytes; a set of identities
would take fifty times as much.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from fevergate.protocol.messages import Identity

MAX_FEVERS = 200_000
"""Fevers remembered, more than a campus has in years.

Beyond this number, half of the fevers of the kiosk with the most are forgotten: first the boots
that received a fever least recently, and within a boot the lowest sequence numbers. So a kiosk that
sends fevers without end neither fills the memory nor lets other kiosks' fevers ring again. It is
half, because the search for the kiosk's boots takes 15 ms, too long for every further fever."""


class SeenFevers:
    """Set of fever identities, kept as sorted sequence numbers by kiosk and boot."""

    def __init__(self, identities: Iterable[Identity] = ()) -> None:
        self._boots: dict[tuple[str, int], array[int]] = {}
        self._of_kiosk: Counter[str] = Counter()
        for identity in identities:
            self.add(identity)

    def __len__(self) -> int:
        return self._of_kiosk.total()

    def __contains__(self, identity: Identity) -> bool:
        seqs = self._boots.get(identity[:2])
        if seqs is None:
            return False
        at = bisect_left(seqs, identity.seq)
        return at < len(seqs) and seqs[at] == identity.seq

    def add(self, identity: Identity) -> None:
        """Add an identity; a repeat changes nothing."""
        if identity in self:
            return
        boot = identity[:2]
        seqs = self._boots.pop(boot, None) or array("I")
        seqs.insert(bisect_left(seqs, identity.seq), identity.seq)
        self._boots[boot] = seqs  # at the end: boots are ordered by their last addition
        self._of_kiosk[identity.kiosk] += 1
        if len(self) > MAX_FEVERS:
            self._forget(max(self._of_kiosk, key=lambda kiosk: self._of_kiosk[kiosk]))

    def _forget(self, kiosk: str) -> None:
        left = (self._of_kiosk[kiosk] + 1) // 2
        for boot in [boot for boot in self._boots if boot[0] == kiosk]:
            over = self._of_kiosk[kiosk] - left
            if over <= 0:
                return
            # Sequence numbers rise within a boot, so its oldest fevers have the lowest.
            seqs = self._boots[boot]
            self._of_kiosk[kiosk] -= min(over, len(seqs))
            del seqs[:over]
            if not seqs:
                del self._boots[boot]
