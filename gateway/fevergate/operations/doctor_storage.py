"""Checks of what the gateway stores: databases, disk, retention, calibrations, refused items."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

from sqlite_utils import Database

from fevergate.command_line.finding import Finding, Pair, failed, ok, warning
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.reports.calibration_dates import CALIBRATION_DAYS, UNITS
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.storage.connection import open_reader, refuses, set_aside_before
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.retention import kept

MIN_FREE_MB = 500

DISK_ZH = {"full": "已满", "read-only": "只读", "absent": "不存在"}

Check = Callable[[GatewaySettings], Iterator[Finding]]


def stored(check: Callable[[GatewaySettings, Database], Iterator[Finding]]) -> Check:
    """A check that reads the gateway's database; it finds nothing before that exists."""

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
            (f"{path} 尚不存在", f"{path}: not there yet"),
            ("网关首次运行时建立", "the gateway makes it when it first runs"),
        )
        return
    with open_reader(path) as reader:
        try:
            result = reader.execute("pragma quick_check").fetchone()[0]
            readings = reader.execute("select count(*) from readings").fetchone()[0]
        except sqlite3.Error as error:
            result, readings = str(error), 0
    if result == "ok":
        yield ok("database", (f"完好，{readings} 条记录", f"sound, {readings} readings"))
    else:
        yield failed(
            "database",
            (f"{path} 损坏：{result}", f"{path}: {result}"),
            ("先复制该文件，再恢复备份", "copy the file first, then restore a backup"),
        )


@stored
def calibrations(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """When the sensor of each kiosk was last calibrated, and by whom."""
    rows = {kiosk: row for kiosk, *row in reader.execute(UNITS)}
    for kiosk in settings.kiosks:
        sensor, *calibrated = rows.get(kiosk, (None, None, None, None))
        unit = f" ({sensor})" if sensor and not calibrated[0] else ""
        name = f"{kiosk}{unit}"
        command = f"fevergate calibrate {kiosk}"
        yield calibration("calibration", (name, name), command, settings, calibrated)


def calibration(
    check: str,
    name: Pair,
    command: str,
    settings: GatewaySettings,
    last: Sequence[Any],
) -> Finding:
    """A sensor's last calibration: Unix time (s; None: never), by whom, uncertainty (°C)."""
    at, by, uncertainty_c = last
    advice = (f"{command} --by 姓名", f"{command} --by NAME")
    if at is None:
        return warning(check, (f"{name[0]} 从未校准", f"{name[1]}: never calibrated"), advice)
    day = datetime.fromtimestamp(at, settings.zone).date()
    zh = f"{name[0]} 于 {day} 由 {by} 校准，±{uncertainty_c:.2f} °C"
    en = f"{name[1]}: calibrated {day} by {by}, ±{uncertainty_c:.2f} °C"
    if time.time() - at > CALIBRATION_DAYS * DAY_S:
        return warning(check, (f"{zh}，已到期", f"{en}, due"), advice)
    return ok(check, (zh, en))


def disk(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the database's disk can be written, and has room."""
    folder = settings.path(settings.database).parent
    if why := refuses(folder):
        yield failed(
            "disk",
            (f"{folder} 不能保存：{DISK_ZH[why]}", f"{folder} takes nothing: {why}"),
            (
                "灯照常工作，读数保留在测温机中；腾出空间，或检查并更换存储卡",
                "the lamps work, and the kiosks keep their readings; make room, or check the card"
                " (dmesg) and replace it",
            ),
        )
        return
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    text = (f"剩余 {free_mb} MB", f"{free_mb} MB free")
    if free_mb >= MIN_FREE_MB:
        yield ok("disk", text)
    else:
        yield warning("disk", text, ("清理磁盘", "make room"))


@stored
def retention(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Whether data that is too old is deleted."""
    days = settings.retention
    rows = kept(reader, days, time.time())
    oldest = datetime.fromtimestamp(rows.oldest_at, settings.zone).date() if rows.oldest_at else "-"
    text = (
        f"原始记录保留 {days.raw_days} 天，最早 {oldest}；人员姓名保留 {days.persons_days} 天",
        f"raw readings {days.raw_days} days, oldest {oldest};"
        f" persons' names {days.persons_days} days",
    )
    if rows.overdue:
        advice = ("网关须保持运行", "the gateway takes old ones away while it runs")
        yield warning("retention", text, advice)
    else:
        yield ok("retention", text)


@stored
def refused(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Summaries that the campus server refuses, which stay in the outbox."""
    if settings.campus_server is None:
        return
    rows = reader.execute("select key, refused from outbox where refused != '' order by key")
    reasons = [f"{key}: {why[:200]}" for key, why in rows]
    if reasons:
        first = "; ".join(reasons[:3])
        yield warning(
            "refused",
            (
                f"校园服务器拒收 {len(reasons)} 条汇总：{first}",
                f"the campus server refuses {len(reasons)} summaries: {first}",
            ),
            (
                "汇总保留在此，每小时重试；检查两边的版本、校区名和时钟",
                "they are kept here and tried each hour; compare versions, campus and clock",
            ),
        )


def damaged(settings: GatewaySettings) -> Iterator[Finding]:
    """Files of databases and broker stores that were damaged and set aside."""
    names = (settings.database, settings.web.database, (settings.desk or Desk()).database)
    for aside in (aside for name in names for aside in set_aside_before(settings.path(name))):
        yield warning(
            "damaged",
            (f"曾损坏的数据库：{aside.name}", f"a database that was damaged: {aside.name}"),
            (
                "可读部分已取回；检查存储卡，确认后移走该文件",
                "what could be read was taken over; check the card, then move that file away",
            ),
        )
    for aside in stores_aside(settings.folder):
        yield warning(
            "damaged",
            (
                f"消息服务器的存储曾损坏：{aside.name}",
                f"the broker's store was damaged: {aside.name}",
            ),
            (
                "已重新建立，读数由测温机重发；检查存储卡，确认后移走该文件",
                "begun anew, the kiosks send again; check the card, then move that file away",
            ),
        )
