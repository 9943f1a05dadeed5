"""Which readings of one boot of one kiosk are on disk, as few numbers as possible.

Readings mostly arrive in order, so a set of sequence numbers is a handful of runs; what the
kiosk must send again are the gaps between them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from fevergate.protocol import Stored

MAX_GAPS = 20
MAX_ALSO = 16
"""Runs named in one `stored` message: with both it stays below `protocol.MAX_PAYLOAD`."""


class Held:
    """A set of sequence numbers from 1 on, kept as disjoint, sorted, inclusive runs."""

    def __init__(self, seqs: Iterable[int] = ()) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for seq in seqs:
            self.add(seq)

    def add(self, seq: int) -> None:
        """Take in one sequence number; a repeat changes nothing."""
        at = bisect_right(self._first, seq)
        if at and self._last[at - 1] >= seq:
            return
        joins_left = bool(at) and self._last[at - 1] == seq - 1
        joins_right = at < len(self._first) and self._first[at] == seq + 1
        if joins_left and joins_right:
            self._last[at - 1] = self._last.pop(at)
            self._first.pop(at)
        elif joins_left:
            self._last[at - 1] = seq
        elif joins_right:
            self._first[at] = seq
        else:
            self._first.insert(at, seq)
            self._last.insert(at, seq)

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._first, seq)
        return bool(at) and self._last[at - 1] >= seq

    def stored(self, boot: int, touched: Iterable[int] = ()) -> list[Stored]:
        """The messages, at least one, that let the kiosk forget what is held.

        Where there are more gaps than a message may name, it speaks of the oldest part; what
        has just come (`touched`) is named beside, or a kiosk whose fevers overtook its backlog
        would send the same fevers for ever.
        """
        if not self._first:
            return [Stored(boot=boot, seq=0)]
        gaps = [
            (before + 1, after - 1)
            for before, after in zip([0, *self._last[:-1]], self._first, strict=True)
            if after > before + 1
        ]
        if len(gaps) <= MAX_GAPS:
            return [Stored(boot=boot, seq=self._last[-1], gaps=tuple(gaps))]
        upto = gaps[MAX_GAPS][0] - 1
        named = tuple(gaps[:MAX_GAPS])
        runs = sorted({self._run(seq) for seq in touched if seq > upto and seq in self})
        return [
            Stored(boot=boot, seq=upto, gaps=named, also=tuple(runs[start : start + MAX_ALSO]))
            for start in range(0, max(1, len(runs)), MAX_ALSO)
        ]

    def _run(self, seq: int) -> tuple[int, int]:
        at = bisect_right(self._first, seq) - 1
        return self._first[at], self._last[at]
