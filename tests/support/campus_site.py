"""A campus server's parts without HTTP, with a clock that tests set, and deliveries to them."""

from datetime import datetime, timedelta

from fevergate.campus.database import CampusDatabase
from fevergate.campus.report_versions import Reports
from fevergate.campus.settings import Campus, CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.protocol.campus_messages import (
    DaySummary,
    Delivery,
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    KioskCount,
)

DAY = "2026-11-23"
DIGEST = "0" * 64
CAMPUSES = {
    name: Campus(title=title, title_en=name.title(), gateways=[f"gw-{name}"])
    for name, title in (("east", "东校区"), ("west", "西校区"))
}


def settings(folder, database="campus.db", **fields) -> CampusSettings:
    values = {
        "title": "某某职业技术学院",
        "title_en": "Example College",
        "database": database,
        "tokens": {f"gw-{name}": DIGEST for name in CAMPUSES},
        "campuses": CAMPUSES,
    }
    campus_settings = CampusSettings(**(values | fields))
    campus_settings.folder = folder
    return campus_settings


class Clock:
    """A clock that moves only when a test sets it."""

    def __init__(self, text: str) -> None:
        self.at = local(text)

    def __call__(self) -> float:
        return self.at


class Parts:
    """A campus server's store and reports, on one database."""

    def __init__(self, folder, database="campus.db", at="2026-11-24 08:00", **fields) -> None:
        self.settings = settings(folder, database, **fields)
        self.now = Clock(at)
        self.database = CampusDatabase(self.settings.url)
        self.vault = Vault(folder / KEY)
        self.store = CampusStore(self.database, self.settings.zone, self.vault, self.now)
        self.reports = Reports(self.database, self.settings, self.vault, self.now)

    def close(self) -> None:
        self.database.close()

    def keep(self, *items, campus="east", sent_at=None) -> list[str]:
        return self.store.keep(delivery(*items, campus=campus, sent_at=sent_at))

    def report(self, day=DAY):
        return self.reports.now(day)

    def campus(self, name="east", day=DAY):
        return next(campus for campus in self.report(day).campuses if campus.campus == name)


def delivery(*items, campus="east", sent_at=None) -> Delivery:
    return Delivery(campus=campus, gateway=f"gw-{campus}", items=list(items), sent_at=sent_at)


def local(text: str) -> float:
    """Unix time (s) of an ISO time in Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


def counts(kiosk="north-1", watched=600, **fields) -> KioskCount:
    return KioskCount(kiosk=kiosk, gate="north", watched_minutes=watched, **fields)


def over(*kiosks, day=DAY, revision=1) -> GatewayDay:
    return GatewayDay(date=day, revision=revision, kiosks=list(kiosks or (counts(normal=10),)))


def so_far(kiosk="north-1", day=DAY, revision=1, **fields) -> DaySummary:
    return DaySummary(kiosk=kiosk, gate="north", date=day, revision=revision, **fields)


def fever(seq=1, day=DAY, revision=1, kiosk="north-1", **fields) -> FeverEvent:
    at = local(f"{day} 09:00") + seq
    return FeverEvent(
        kiosk=kiosk,
        gate="north",
        boot=1,
        seq=seq,
        revision=revision,
        at=at,
        body_c=38.2,
        raised_at=at + 1,
        **fields,
    )


def after(seq=1, revision=1, day=DAY, kiosk="north-1", **fields) -> FollowUpEvent:
    at = local(f"{day} 09:20") + seq
    return FollowUpEvent(kiosk=kiosk, boot=1, seq=seq, revision=revision, at=at, **fields)


def next_day(day: str) -> str:
    return (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
