"""A gateway's marks of a day as the campus server holds them.

A gateway that was restored from a backup, or has a new card, no longer knows whom it marked. So a
mark stays even if it is missing from the gateway's latest message; to take it back, the gateway
must name the person.
"""

import msgspec

from fevergate.people.marks import KnownMarks
from fevergate.protocol.campus_messages import MarkedDay
from fevergate.protocol.people_messages import same_lineage
from fevergate.protocol.person_set import PersonSet, packed, unpacked


class HeldDay(MarkedDay, frozen=True, kw_only=True, tag="marked_day"):
    """A gateway's latest message on a day, and the people whom the gateway had marked before but
    does not mention in this message."""

    once_measured: PersonSet = b""
    once_excused: PersonSet = b""

    def after(self, new: MarkedDay) -> "HeldDay":
        """Return the marks to hold after the message `new`. If that message is for another lineage
        of the list, nothing of the earlier messages remains."""
        values = msgspec.structs.asdict(new)
        if not same_lineage(self.list_id, new.list_id):
            return HeldDay(**values)
        marks = self.known
        stated = unpacked(new.measured) | unpacked(new.excused) | unpacked(new.taken_back)
        return HeldDay(
            **values,
            once_measured=packed(marks.measured - stated),
            once_excused=packed(marks.excused - stated),
        )

    @property
    def once(self) -> KnownMarks:
        """People who were marked earlier and whom the latest message does not mention."""
        return KnownMarks(
            measured=unpacked(self.once_measured), excused=unpacked(self.once_excused)
        )

    @property
    def known(self) -> KnownMarks:
        """All people whom the gateway has marked."""
        once_marks = self.once
        return KnownMarks(
            measured=unpacked(self.measured) | once_marks.measured,
            excused=unpacked(self.excused) | once_marks.excused,
        )


def held_after(payload: str | None, new: MarkedDay) -> HeldDay:
    """Return the `HeldDay` after the message `new`; `payload` is the one before (JSON) or None."""
    if payload is None:
        return HeldDay(**msgspec.structs.asdict(new))
    return msgspec.json.decode(payload, type=HeldDay).after(new)
