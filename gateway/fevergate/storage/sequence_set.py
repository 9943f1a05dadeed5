"""Set of stored sequence numbers of one kiosk boot, kept as sorted, disjoint ranges.

Readings mostly arrive in order, so a few ranges suffice; the gaps between them are what the kiosk
must send again.
"""

from bisect import bisect_right
from collections.abc import Iterable

from fevergate.protocol.messages import Stored

MAX_GAPS = 20
MAX_ALSO = 16
"""Gaps and further ranges in one `stored` message, which then fits into
`protocol.messages.MAX_PAYLOAD`."""

MAX_RANGES = 256
"""Most ranges kept of one boot; the lowest ones are kept. A kiosk that leaves out every second
number must not fill the memory. A kiosk is told `MAX_GAPS` gaps at a time."""


class SequenceSet:
    """Set of sequence numbers from 1 on, as sorted, disjoint, inclusive ranges; beyond `MAX_RANGES`
    the higher ones are forgotten."""

    def __init__(self, seqs: Iterable[int] = ()) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        self._beyond: int | None = None
        for seq in seqs:
            self.add(seq)

    @property
    def full(self) -> bool:
        """Whether numbers above the highest range are forgotten."""
        return self._beyond is not None

    @property
    def outdated(self) -> bool:
        """Whether numbers were forgotten and there is room for them again. The set is then to be
        rebuilt from the database."""
        return self._beyond is not None and len(self._first) < MAX_RANGES // 2

    def add(self, seq: int) -> None:
        """Add a sequence number; a repeat changes nothing."""
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
            if len(self._first) > MAX_RANGES:
                self._first.pop()
                self._last.pop()
                self._beyond = self._last[-1]

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._first, seq)
        return bool(at) and self._last[at - 1] >= seq

    def stored(self, boot: int, touched: Iterable[int] = ()) -> list[Stored]:
        """Return the messages, at least one, that tell the kiosk which readings are stored.

        If there are more gaps than one message may name, the messages cover the lowest numbers. As
        `also` they name the ranges of the numbers that have just come (`touched`): otherwise a
        kiosk whose fevers overtook its backlog would send the same fevers for ever.
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
        gaps_sent = tuple(gaps[:MAX_GAPS])
        ranges = sorted({self._range(seq) for seq in touched if seq > upto})
        return [
            Stored(
                boot=boot, seq=upto, gaps=gaps_sent, also=tuple(ranges[start : start + MAX_ALSO])
            )
            for start in range(0, max(1, len(ranges)), MAX_ALSO)
        ]

    def _range(self, seq: int) -> tuple[int, int]:
        if seq not in self:
            return seq, seq
        at = bisect_right(self._first, seq) - 1
        return self._first[at], self._last[at]
