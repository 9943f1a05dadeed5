"""Totals of one kiosk's day over all epochs of its gateway."""

from fevergate.protocol.campus_messages import HourSummary, KioskCount, StruckSpan


class KioskTotals:
    """Summaries of one kiosk's day: the day by epoch, and the hours of all epochs."""

    def __init__(self) -> None:
        self.days: dict[str, KioskCount] = {}
        self.hours: list[tuple[str, HourSummary]] = []
        self.struck: dict[tuple[float, float, float], StruckSpan] = {}

    def hear(self, epoch: str, day: KioskCount) -> None:
        """Add an epoch's day. If epochs differ about a strike, the one that took it back wins."""
        self.days[epoch] = day
        for span in day.struck:
            before = self.struck.get(span.key)
            if before is None or before.undone_at is None:
                self.struck[span.key] = span

    def strikes(self, at: float) -> bool:
        """Whether `at` (Unix time, s) lies in struck hours."""
        return any(
            span.begin <= at < span.end for span in self.struck.values() if span.undone_at is None
        )

    def counting(self, epoch: str | None = None) -> list[HourSummary]:
        """The hours that are not struck, of one epoch or of all."""
        return [
            hour
            for hour_epoch, hour in self.hours
            if epoch in (None, hour_epoch) and not self.strikes(hour.hour)
        ]

    def sum_of_days(self, name: str) -> int:
        """Sum of the count `name` over the epochs: from an epoch's day, or from its hours that are
        not struck where the day was sent without knowledge of a strike."""
        return sum(
            getattr(day, name)
            if self._knew(day)
            else sum(getattr(hour, name) for hour in self.counting(epoch))
            for epoch, day in self.days.items()
        )

    @property
    def stated(self) -> int:
        """People, by the days."""
        return self.sum_of_days("normal") + self.sum_of_days("fever")

    @property
    def held(self) -> int:
        """People, by the hours."""
        return sum(hour.normal + hour.fever for hour in self.counting())

    def _knew(self, day: KioskCount) -> bool:
        keys = {span.key for span in day.struck}
        return all(key in keys for key, span in self.struck.items() if span.undone_at is None)

    def count(self, kiosk: str) -> KioskCount:
        """Totals over all epochs: for each count the greater of what the days and the hours say,
        since either may be incomplete."""
        days = [day for day in self.days.values() if self._knew(day)]
        counting = self.counting()
        counts: dict[str, int] = {
            name: max(0, self.sum_of_days(name), sum(getattr(hour, name) for hour in counting))
            for name in ("normal", "fever", "retry")
        }
        for name, mask in (("watched_minutes", "watched"), ("fault_minutes", "fault")):
            stated = max((getattr(day, name) for day in days), default=0)
            counts[name] = max(stated, self._minutes(mask))
        return KioskCount(
            kiosk=kiosk,
            gate=(next(reversed(self.days.values()), None) or self.hours[-1][1]).gate,
            normal=counts["normal"],
            fever=counts["fever"],
            retry=counts["retry"],
            watched_minutes=counts["watched_minutes"],
            fault_minutes=counts["fault_minutes"],
            silences=max((day.silences for day in days), default=0),
            late_minutes=max((day.late_minutes for day in days), default=0),
        )

    def _minutes(self, mask: str) -> int:
        """Number of minutes that are set in `mask` by any epoch."""
        by_hour: dict[float, int] = {}
        for hour in self.counting():
            by_hour[hour.hour] = by_hour.get(hour.hour, 0) | getattr(hour, mask)
        return sum(bits.bit_count() for bits in by_hour.values())
