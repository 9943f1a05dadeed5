"""Tells the campus server who was measured here, and learns who was measured at other gates.

A gateway whose list comes from the campus server sends numbers of people, which name nobody; a
gateway with a list of its own sends only counts. It first asks what the server holds, so that
nothing is missing after gateway or server was restored from a backup or the token was replaced.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from fevergate.forwarding.forwarder import REFUSED_S, CampusThread
from fevergate.forwarding.http_sender import Item
from fevergate.people.marks import Marks
from fevergate.people.roll import Rolls
from fevergate.people.store import ListState, PeopleStore
from fevergate.protocol.campus_messages import MarkedDay, MarkIndex, MarksElsewhere, RollDay
from fevergate.protocol.people_messages import same_lineage
from fevergate.protocol.person_set import packed, unpacked
from fevergate.settings.gateway import GatewaySettings

MOST_ANSWER = 1024 * 1024
"""Most bytes of an answer."""

RECENT_DAYS = 2
"""Days that each round compares with the campus server."""

ALL_EVERY_S = 3600.0
"""Seconds between comparisons of all days for which marks are kept, as entries may be made late."""

DayItem = MarkedDay | RollDay


class MarkForwarder(CampusThread):
    """Exchanges marks with the campus server; without a list of people it does nothing."""

    def __init__(
        self,
        settings: GatewaySettings,
        people: PeopleStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, now)
        self._people = people
        self._marks = Marks(people.statements, people.vault, settings.zone)
        self._rolls = Rolls(people.statements, settings.zone, settings.campus)
        self._kept_days = settings.retention.persons_days
        self._learned: dict[tuple[str, str], str] = {}
        self._refused: dict[str, tuple[str, float]] = {}
        self._all_at: float | None = None

    def once(self) -> bool:
        """Send and fetch what has changed; return whether nothing is left. Raises `StoreError`."""
        state = self._people.state()
        if state is None:
            return True
        now, today = self._now(), self._rolls.today()
        all_days = self._all_at is None or not 0 <= now - self._all_at < ALL_EVERY_S
        count = self._kept_days if all_days else min(RECENT_DAYS, self._kept_days)
        first = today - timedelta(days=count - 1)
        index = self._sender.get(f"/v1/marks?since={first}", MarkIndex, MOST_ANSWER)
        if index is None:
            return False
        done = True
        for number in range(count):
            day = first + timedelta(days=number)
            if day.isoformat() >= index.since:
                done &= self._tell(state, day, index)
                done &= self._learn(state, day, index)
        if all_days and done:
            self._all_at = now
        return done

    def _tell(self, state: ListState, day: date, index: MarkIndex) -> bool:
        """Send a day unless the server holds it; return whether the server holds it now or has
        refused it lately."""
        item = self._item(state, day)
        marks_there = item and index.mine.get(item.key)
        if item is None or (marks_there and marks_there.digest == item.digest):
            return True
        refused, until = self._refused.get(item.key, ("", 0.0))
        if refused == item.digest and self._now() < until:
            return True
        if marks_there:
            item = msgspec.structs.replace(item, revision=marks_there.revision + 1)
        sent = self._sender.send(
            [Item(item.key, item.revision, msgspec.json.encode(item).decode())]
        )
        if sent.refused:
            self._refused[item.key] = item.digest, self._now() + REFUSED_S
        return sent.settled == 1

    def _own(self, state: ListState) -> bool:
        """Whether the list is not the campus server's."""
        return self._settings.keeps_list or state.heard_at is None

    def _item(self, state: ListState, day: date) -> DayItem | None:
        """What is to be sent of a day; None for nothing."""
        if self._own(state):  # its numbers mean nothing to the server
            figures = self._rolls.day(day)
            if figures is None:
                return None
            return RollDay(date=day.isoformat(), revision=1, **msgspec.structs.asdict(figures))
        marks = self._marks.own(day)
        if not (marks.measured or marks.excused or marks.taken_back or marks.fevers):
            return None
        return MarkedDay(
            date=day.isoformat(),
            revision=1,
            list_id=state.list,
            measured=packed(marks.measured),
            excused=packed(marks.excused),
            taken_back=packed(marks.taken_back),
            fevers=marks.fevers,
        )

    def _learn(self, state: ListState, day: date, index: MarkIndex) -> bool:
        """Store the marks of other gateways for a day, if they have changed; return whether they
        are known now."""
        key = (state.list, day.isoformat())
        tag = index.elsewhere.get(day.isoformat(), "")
        if self._own(state) or self._learned.get(key) == tag:
            return True
        measured, excused = set[int](), set[int]()
        if tag:
            answer = self._sender.get(f"/v1/marks/{day}", MarksElsewhere, MOST_ANSWER)
            if answer is None or not same_lineage(answer.list_id, state.list):
                return False  # another list is pulled soon
            measured, excused = unpacked(answer.measured), unpacked(answer.excused)
        self._marks.learn(day, measured, excused)
        self._learned[key] = tag
        return True
