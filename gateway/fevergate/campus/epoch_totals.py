"""What a gateway's epochs said of one kiosk's day, and what it comes to."""

from __future__ import annotations

from fevergate.protocol.campus_messages import HourSummary, KioskCount, StruckSpan


class Told:
    """All that was said of one kiosk's day: by each epoch its day, and the hours of all."""

    def __init__(self) -> None:
        self.days: dict[str, KioskCount] = {}
        self.hours: list[tuple[str, HourSummary]] = []
        self.struck: dict[tuple[float, float, float], StruckSpan] = {}

    def hear(self, epoch: str, day: KioskCount) -> None:
        """An epoch's word of the day; of two about a strike that which takes it back holds."""
        self.days[epoch] = day
        for span in day.struck:
            before = self.struck.get(span.key)
            if before is None or before.undone_at is None:
                self.struck[span.key] = span

    def strikes(self, at: float) -> bool:
        """Whether what was at that time (UTC s) does not count."""
        return any(
            span.begin <= at < span.end for span in self.struck.values() if span.undone_at is None
        )

    def counting(self, epoch: str | None = None) -> list[HourSummary]:
        """The hours that are not struck, of one epoch or of all."""
        return [
            hour
            for whose, hour in self.hours
            if epoch in (None, whose) and not self.strikes(hour.hour)
        ]

    def sum_of_days(self, name: str) -> int:
        """A figure, as the days have it. An epoch that knew nothing of a strike is counted by its
        hours."""
        return sum(
            getattr(day, name)
            if self._knew(day)
            else sum(getattr(hour, name) for hour in self.counting(epoch))
            for epoch, day in self.days.items()
        )

    @property
    def stated(self) -> int:
        """People, as the days have it."""
        return self.sum_of_days("normal") + self.sum_of_days("fever")

    @property
    def held(self) -> int:
        """People, as the hours have it."""
        return sum(hour.normal + hour.fever for hour in self.counting())

    def _knew(self, day: KioskCount) -> bool:
        known = {span.key for span in day.struck}
        return all(key in known for key, span in self.struck.items() if span.undone_at is None)

    def count(self, kiosk: str) -> KioskCount:
        """The epochs together; of days and hours the greater, for neither is believed against what
        the other shows."""
        days = [day for day in self.days.values() if self._knew(day)]
        counting = self.counting()
        both: dict[str, int] = {
            name: max(0, self.sum_of_days(name), sum(getattr(hour, name) for hour in counting))
            for name in ("normal", "fever", "retry")
        }
        for name, mask in (("watched_minutes", "watched"), ("fault_minutes", "fault")):
            said = max((getattr(day, name) for day in days), default=0)
            both[name] = max(said, self._minutes(mask))
        return KioskCount(
            kiosk=kiosk,
            gate=(next(reversed(self.days.values()), None) or self.hours[-1][1]).gate,
            normal=both["normal"],
            fever=both["fever"],
            retry=both["retry"],
            watched_minutes=both["watched_minutes"],
            fault_minutes=both["fault_minutes"],
            silences=sum(day.silences for day in days),
            late_minutes=max((day.late_minutes for day in days), default=0),
        )

    def _minutes(self, mask: str) -> int:
        """Minutes that are set in any epoch's."""
        by_hour: dict[float, int] = {}
        for hour in self.counting():
            by_hour[hour.hour] = by_hour.get(hour.hour, 0) | getattr(hour, mask)
        return sum(bits.bit_count() for bits in by_hour.values())
