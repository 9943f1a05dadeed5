"""`fevergate doctor`'s checks of what the gateway stores: databases, disk, retention,
calibrations, summaries that the campus server refused."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import msgspec
from sqlite_utils import Database

from fevergate.alarm.kiosk_monitor import drift_of
from fevergate.command_line.finding import Finding, failed, ok, warning
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.protocol.messages import Health
from fevergate.reports.calibration_dates import CALIBRATION_DAYS, UNITS
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.storage.connection import open_reader, refuses, set_aside_before
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.retention import kept
from fevergate.texts.refusal_text import refused_because
from fevergate.texts.translations import LANGUAGES, N_, Pair, both, translator
from fevergate.texts.trouble_text import drift_advice

MIN_FREE_MB = 500

DISK = {"full": N_("full"), "read-only": N_("read-only"), "absent": N_("absent")}
"""Texts for the reasons that `connection.refuses` returns."""

Check = Callable[[GatewaySettings], Iterator[Finding]]


def stored(check: Callable[[GatewaySettings, Database], Iterator[Finding]]) -> Check:
    """Decorates a check that reads the gateway's database: as long as there is no database, the
    check yields nothing."""

    @wraps(check)
    def checked(settings: GatewaySettings) -> Iterator[Finding]:
        path = settings.path(settings.database)
        if path.exists():
            with open_reader(path) as reader:
                yield from check(settings, reader)

    return checked


def database(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the gateway's database is sound."""
    path = settings.path(settings.database)
    if not path.exists():
        yield warning(
            "database",
            "{path}: not there yet",
            "the gateway makes it when it first runs",
            path=path,
        )
        return
    with open_reader(path) as reader:
        try:
            result = reader.execute("pragma quick_check").fetchone()[0]
            readings = reader.execute("select count(*) from readings").fetchone()[0]
        except sqlite3.Error as error:
            result, readings = str(error), 0
    if result == "ok":
        yield ok("database", "sound, {readings} readings", readings=readings)
    else:
        yield failed(
            "database",
            "{path} is damaged: {result}",
            "copy the file first, then restore a backup",
            path=path,
            result=result,
        )


@stored
def calibrations(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """When the sensor of each kiosk was last calibrated, and by whom."""
    rows = {kiosk: row for kiosk, *row in reader.execute(UNITS)}
    for kiosk in settings.kiosks:
        sensor, *calibrated, _ = rows.get(kiosk, (None, None, None, None, None))
        unit = f" ({sensor})" if sensor and not calibrated[0] else ""
        command = f"fevergate calibrate {kiosk}"
        yield calibration("calibration", f"{kiosk}{unit}", command, settings, calibrated)


@stored
def drifts(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Kiosks whose crowd reads higher or lower than usual, by their last health."""
    steady = []
    for kiosk, health in _healths(settings, reader):
        drift_c = drift_of(health)
        if drift_c is None:
            steady.append(kiosk)
            continue
        yield warning(
            "drift",
            both(
                "{kiosk}: everybody reads {difference:+.1f} °C off", kiosk=kiosk, difference=drift_c
            ),
            both(
                "{advice} fevergate calibrate {kiosk} --by NAME",
                advice=both(drift_advice(drift_c)),
                kiosk=kiosk,
            ),
        )
    if steady:
        yield ok("drift", "as usual read: {kiosks}", kiosks=", ".join(sorted(steady)))


@stored
def readers(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Card readers that are unplugged, or of another kind than in the settings, according to the
    kiosks' last health. No finding if no kiosk reads cards."""
    working = []
    for kiosk, health in _healths(settings, reader):
        if health.reader == "ok":
            working.append(kiosk)
        elif health.reader == "out":
            yield warning(
                "cards",
                "{kiosk}: its reader of cards is pulled out; it measures on without cards",
                "check the reader's plug and its supply",
                kiosk=kiosk,
            )
        elif health.reader:
            yield warning(
                "cards",
                "{kiosk}: what its reader sends is no card",
                "set the kind of reader: fevergate settings {kiosk} --card-reader line (or binary)",
                kiosk=kiosk,
            )
    if working:
        yield ok("cards", "cards are read at: {kiosks}", kiosks=", ".join(sorted(working)))


def _healths(settings: GatewaySettings, reader: Database) -> Iterator[tuple[str, Health]]:
    """Last health message of each kiosk in the settings."""
    for kiosk, text in reader.execute("select kiosk, health from kiosks where health is not null"):
        if kiosk in settings.kiosks:
            try:
                yield kiosk, msgspec.json.decode(text, type=Health)
            except msgspec.MsgspecError:  # stored by another version; the next comes in a minute
                continue


def calibration(
    check: str,
    name: Pair | str,
    command: str,
    settings: GatewaySettings,
    last: Sequence[Any],
) -> Finding:
    """The finding on a sensor's calibration. `last`: when it was calibrated (Unix time, s; None:
    never), by whom, uncertainty (°C)."""
    at, by, uncertainty_c = last
    advice = both("{command} --by NAME", command=command)
    if at is None:
        return warning(check, "{name}: never calibrated", advice, name=name)
    day = datetime.fromtimestamp(at, settings.zone).date()
    text = both(
        "{name}: calibrated {day} by {by}, ±{uncertainty_c:.2f} °C",
        name=name,
        day=day,
        by=by,
        uncertainty_c=uncertainty_c,
    )
    if time.time() - at > CALIBRATION_DAYS * DAY_S:
        return warning(check, "{text}, due", advice, text=text)
    return ok(check, text)


def disk(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the disk of the database can be written to, and has `MIN_FREE_MB`."""
    folder = settings.path(settings.database).parent
    if why := refuses(folder):
        yield failed(
            "disk",
            "{folder} takes nothing: {why}",
            "the lamps work, and the kiosks keep their readings; make room, or check"
            " the card (dmesg) and replace it",
            folder=folder,
            why=both(DISK[why]),
        )
        return
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    text = both("{free_mb} MB free", free_mb=free_mb)
    if free_mb >= MIN_FREE_MB:
        yield ok("disk", text)
    else:
        yield warning("disk", text, "make room")


@stored
def retention(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Whether data older than `[retention]` allows has been deleted."""
    days = settings.retention
    rows = kept(reader, days, time.time())
    oldest = datetime.fromtimestamp(rows.oldest_at, settings.zone).date() if rows.oldest_at else "-"
    text = both(
        "raw readings {raw_days} days, oldest {oldest}; persons' names {persons_days} days",
        raw_days=days.raw_days,
        oldest=oldest,
        persons_days=days.persons_days,
    )
    if rows.overdue:
        yield warning("retention", text, "the gateway takes old ones away while it runs")
    else:
        yield ok("retention", text)


@stored
def refused(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Summaries that the campus server refuses, which stay in the outbox."""
    if settings.campus_server is None:
        return
    rows = reader.execute("select key, refused from outbox where refused != '' order by key")
    refusals = list(rows)
    if refusals:
        chinese, english = (
            "; ".join(f"{key}: {_refusal(why, language)}" for key, why in refusals[:3])
            for language in LANGUAGES
        )
        yield warning(
            "refused",
            "the campus server refuses {count} summaries: {reasons}",
            "they are kept here, tried ever more rarely and at each start of the gateway; compare"
            " versions, campus and clock",
            count=len(refusals),
            reasons=(chinese, english),
        )


def _refusal(why: str, language: str) -> str:
    """The campus server's refusal of a summary, `FIELD: REASON`, with the reason translated."""
    field, colon, reason = why.partition(": ")
    return f"{field}{colon}{refused_because(reason, translator(language))}"[:200]


def damaged(settings: GatewaySettings) -> Iterator[Finding]:
    """Databases and stores of the broker that were found damaged and set aside."""
    names = (settings.database, settings.web.database, (settings.desk or Desk()).database)
    for aside in (aside for name in names for aside in set_aside_before(settings.path(name))):
        yield warning(
            "damaged",
            "a database that was damaged: {name}",
            "what could be read was taken over; check the card, then move that file away",
            name=aside.name,
        )
    for aside in stores_aside(settings.folder):
        yield warning(
            "damaged",
            "the broker's store was damaged: {name}",
            "begun anew, the kiosks send again; check the card, then move that file away",
            name=aside.name,
        )
