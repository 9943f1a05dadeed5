"""A gateway's marks of a day as they are held: what it said last, and what it once knew.

A gateway that was restored, or has a new card, does not know whom it marked before. It takes back a
mark by saying so, therefore whoever it says nothing of stays marked.
"""

import msgspec

from fevergate.people.marks import KnownMarks
from fevergate.protocol.campus_messages import MarkedDay
from fevergate.protocol.people_messages import same_lineage
from fevergate.protocol.person_set import PersonSet, packed, unpacked


class HeldDay(MarkedDay, frozen=True, kw_only=True, tag="marked_day"):
    """What a gateway said last of a day, and of whom it said nothing but had marked them before."""

    once_measured: PersonSet = b""
    once_excused: PersonSet = b""

    def after(self, new: MarkedDay) -> "HeldDay":
        """What is held once `new` has come; of a list of another lineage nothing is kept."""
        values = msgspec.structs.asdict(new)
        if not same_lineage(self.list_id, new.list_id):
            return HeldDay(**values)
        known = self.known
        stated = unpacked(new.measured) | unpacked(new.excused) | unpacked(new.taken_back)
        return HeldDay(
            **values,
            once_measured=packed(known.measured - stated),
            once_excused=packed(known.excused - stated),
        )

    @property
    def once(self) -> KnownMarks:
        """Those of whom it said nothing last."""
        return KnownMarks(
            measured=unpacked(self.once_measured), excused=unpacked(self.once_excused)
        )

    @property
    def known(self) -> KnownMarks:
        """All whom it marked."""
        once = self.once
        return KnownMarks(
            measured=unpacked(self.measured) | once.measured,
            excused=unpacked(self.excused) | once.excused,
        )


def held_after(payload: str | None, new: MarkedDay) -> HeldDay:
    """What is held once `new` has come after a payload (of `HeldDay`), if there was any."""
    if payload is None:
        return HeldDay(**msgspec.structs.asdict(new))
    return msgspec.json.decode(payload, type=HeldDay).after(new)
