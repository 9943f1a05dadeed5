"""Which fevers were raised before, in a few bytes each: a redelivery must not cry wolf.

A fever can come again as long as its kiosk has not heard that it is stored, which may be weeks,
so none is forgotten while there is room; a set of identities would take fifty times as much.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from fevergate.protocol.messages import Identity

MOST = 200_000
"""Fevers remembered, more than years of a campus; then the boot heard of longest ago goes."""


class KnownFevers:
    """A set of identities that only grows, kept as sorted numbers for each kiosk's boot."""

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
        """Remember one; a repeat changes nothing."""
        if identity in self:
            return
        boot = identity[:2]
        seqs = self._boots.pop(boot, None) or array("I")
        seqs.insert(bisect_left(seqs, identity.seq), identity.seq)
        self._boots[boot] = seqs  # the last one, as the one heard of most lately
        self._count += 1
        while self._count > MOST and len(self._boots) > 1:
            self._count -= len(self._boots.pop(next(iter(self._boots))))
