"""Fevers that have been raised before, so that a redelivered reading raises no second alarm.

A kiosk sends a fever again until it hears that it is stored, which may take weeks, so none is
forgotten while there is room. Each takes four bytes; a set of identities would take fifty times as
much.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from fevergate.protocol.messages import Identity

MAX_FEVERS = 200_000
"""Fevers remembered, more than a campus has in years. Beyond that, those of the kiosk boot that was
added to least recently are forgotten."""


class SeenFevers:
    """Set of fever identities, kept as sorted sequence numbers by kiosk and boot."""

    def __init__(self, identities: Iterable[Identity] = ()) -> None:
        self._boots: dict[tuple[str, int], array[int]] = {}
        self._count = 0
        for identity in identities:
            self.add(identity)

    def __len__(self) -> int:
        return self._count

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
        self._boots[boot] = seqs  # at the end: the order is that of the last addition
        self._count += 1
        while self._count > MAX_FEVERS and len(self._boots) > 1:
            self._count -= len(self._boots.pop(next(iter(self._boots))))
