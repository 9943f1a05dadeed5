"""Reads each kiosk's state, calibration and hours of service from the gateway's database."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import NothingFoundError
from fevergate.kiosks.remote_settings import Answer, answers
from fevergate.kiosks.supply import moved_c, supply_of
from fevergate.protocol.messages import Health
from fevergate.reports.calibration_dates import CALIBRATION_DAYS, UNITS
from fevergate.reports.fever_log import KioskDay, read_day
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.coverage_bits import DAY_S, day_bounds
from fevergate.storage.schema import struck

HISTORY_DAYS = 14
HOUR_S = 3600


class Calibrated(Struct, frozen=True, kw_only=True):
    """The newest calibration of the kiosk's present sensor: Unix time (s), person, uncertainty (°C,
    95 %), and whether the next one is due.

    `supply_moved_c`: change (°C) added to each reading because the supply was set again since; None
    if it was not."""

    at: float
    by: str
    uncertainty_c: float
    due: bool
    supply_moved_c: float | None = None


class KioskState(Struct, kw_only=True):
    """A kiosk's state; `heard_at` (Unix time, s) is None if it was never heard, `calibrated` if its
    present sensor was not calibrated."""

    kiosk: str
    gate: str
    post: bool = False
    """Whether it is a lamp post, which measures nobody."""
    online: bool = False
    heard_at: float | None = None
    health: Health | None = None
    calibrated: Calibrated | None = None
    settings_version: int = 0
    settings_error: str = ""
    today: KioskDay

    @property
    def state(self) -> str:
        """`never`, `offline`, `fault` or `online`."""
        if self.heard_at is None:
            return "never"
        if not self.online:
            return "offline"
        return "fault" if self.health and self.health.state != "ok" else "online"


class HourState(Struct, frozen=True, kw_only=True):
    """An hour of a kiosk: its begin (Unix time, s), minutes watched and faulty, people."""

    hour: int
    watched: int
    fault: int
    people: int


class KioskHistory(Struct, kw_only=True):
    """A kiosk with its hours and days, the oldest first."""

    kiosk: KioskState
    hours: list[HourState]
    days: list[tuple[str, KioskDay]]


def read_kiosks(database: Database, settings: GatewaySettings) -> list[KioskState]:
    """State of each kiosk in the settings, each other kiosk that was heard, and each lamp post."""
    now = clock_memory.now(database)
    day = read_day(database, settings, most=0, with_roll=False)
    row_of = {row["kiosk"]: row for row in database.query("select * from kiosks")}
    units = {kiosk: unit for kiosk, *unit in database.execute(UNITS)}
    applied = answers(database)
    states = []
    posts = {post: KioskDay(gate=gate, kiosk=post) for post, gate in settings.posts.items()}
    for today in ({kiosk.kiosk: kiosk for kiosk in day.kiosks} | posts).values():
        state = KioskState(kiosk=today.kiosk, gate=today.gate, today=today)
        state.post = today.kiosk in settings.posts
        if row := row_of.get(today.kiosk):
            state.online = row["status"] == "online"
            state.heard_at = row["last_seen"]
            state.health = _health(row["health"])
        _, at, by, uncertainty_c, supply_v = units.get(today.kiosk, (None, None, "", 0.0, None))
        if at is not None:
            state.calibrated = Calibrated(
                at=at,
                by=by,
                uncertainty_c=uncertainty_c,
                due=now - at > CALIBRATION_DAYS * DAY_S,
                supply_moved_c=moved_c(supply_v, supply_of(settings, today.kiosk)),
            )
        answer = applied.get(today.kiosk, Answer())
        state.settings_version, state.settings_error = answer.version, answer.error
        states.append(state)
    return states


def read_history(database: Database, settings: GatewaySettings, kiosk: str) -> KioskHistory:
    """A kiosk's last `HISTORY_DAYS` days. Raises `NothingFoundError`."""
    for state in read_kiosks(database, settings):
        if state.kiosk == kiosk:
            break
    else:
        raise NothingFoundError(f"kiosk {kiosk!r}")
    today = clock_memory.today(database, settings.zone)
    first = today - timedelta(days=HISTORY_DAYS - 1)
    begin, end = day_bounds(first, settings.zone, today)
    hours = [
        HourState(hour=hour, watched=watched.bit_count(), fault=fault.bit_count(), people=people)
        for hour, watched, fault, people in database.execute(
            "select hour, watched, fault, normal + fever from hours h"  # noqa: S608 - constants
            f" where kiosk = ? and hour >= ? and hour < ? and not {struck('h')} order by hour",
            (kiosk, begin, end),
        )
    ]
    names = ", ".join(KioskDay.__struct_fields__)
    rows = database.query(
        f"select date, {names} from days where kiosk = ? and date >= ? order by date",  # noqa: S608
        (kiosk, first.isoformat()),
    )
    days = [(row.pop("date"), msgspec.convert(row, KioskDay)) for row in rows]
    return KioskHistory(kiosk=state, hours=hours, days=days)


def strip(history: KioskHistory, zone: ZoneInfo, now: float) -> list[tuple[str, list[str]]]:
    """A row for each day, the oldest first, with its date and the states of its 24 hours.

    A state is `none`, `some` or `full` by the minutes watched; `fault` if any minute was faulty; or
    empty for an hour after `now` (Unix time, s).
    """
    by_hour: dict[tuple[str, int], HourState] = {}
    for state in history.hours:
        local = datetime.fromtimestamp(state.hour, zone)
        by_hour[local.date().isoformat(), local.hour] = state
    present = datetime.fromtimestamp(now, zone)
    rows = []
    for back in range(HISTORY_DAYS - 1, -1, -1):
        date = (present.date() - timedelta(days=back)).isoformat()
        cells = []
        for hour in range(24):
            state = by_hour.get((date, hour))
            if state is None:
                cells.append("" if back == 0 and hour > present.hour else "none")
            elif state.fault:
                cells.append("fault")
            else:
                cells.append("full" if state.watched >= 55 else "some" if state.watched else "none")
        rows.append((date, cells))
    return rows


def _health(text: str | None) -> Health | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Health)
    except msgspec.MsgspecError:  # stored by another version
        return None
