"""Which readings of one boot of one kiosk are on disk, as few numbers as possible.

Readings mostly arrive in order, so a set of sequence numbers is a handful of runs; what the
kiosk must send again are the gaps between them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from fevergate.protocol.messages import Stored

MAX_GAPS = 20
MAX_ALSO = 16
"""Runs named in one `stored` message: with both it stays below `protocol.messages.MAX_PAYLOAD`."""


MAX_RUNS = 256
"""Runs of one boot that are remembered, the lowest ones: a kiosk is told of `MAX_GAPS` at a time,
and one that leaves out every second number must not fill the memory."""


class Held:
    """A set of sequence numbers from 1 on, kept as disjoint, sorted, inclusive runs; of more than
    `MAX_RUNS` it knows the lower ones alone."""

    def __init__(self, seqs: Iterable[int] = ()) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        self._beyond: int | None = None
        for seq in seqs:
            self.add(seq)

    @property
    def full(self) -> bool:
        """Whether numbers above the highest known one are not remembered."""
        return self._beyond is not None

    @property
    def outdated(self) -> bool:
        """Whether there is room again for what was forgotten, so that it is read anew."""
        return self._beyond is not None and len(self._first) < MAX_RUNS // 2

    def add(self, seq: int) -> None:
        """Take in one sequence number; a repeat changes nothing."""
        if self._beyond is not None and seq > self._beyond:
            return
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
            if len(self._first) > MAX_RUNS:
                self._first.pop()
                self._last.pop()
                self._beyond = self._last[-1]

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._first, seq)
        return bool(at) and self._last[at - 1] >= seq

    def stored(self, boot: int, touched: Iterable[int] = ()) -> list[Stored]:
        """The messages, at least one, that let the kiosk forget what is held; `touched` is.

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
        if len(gaps) <= MAX_GAPS and not self.full:
            return [Stored(boot=boot, seq=self._last[-1], gaps=tuple(gaps))]
        upto = gaps[MAX_GAPS][0] - 1 if len(gaps) > MAX_GAPS else self._last[-1]
        named = tuple(gaps[:MAX_GAPS])
        runs = sorted({self._run(seq) for seq in touched if seq > upto})
        return [
            Stored(boot=boot, seq=upto, gaps=named, also=tuple(runs[start : start + MAX_ALSO]))
            for start in range(0, max(1, len(runs)), MAX_ALSO)
        ]

    def _run(self, seq: int) -> tuple[int, int]:
        if seq not in self:
            return seq, seq
        at = bisect_right(self._first, seq) - 1
        return self._first[at], self._last[at]
