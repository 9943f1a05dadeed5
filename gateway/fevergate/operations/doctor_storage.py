"""Checks of what the gateway stores: databases, disk, retention, calibrations, refused items."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime

from fevergate.command_line.finding import Finding, ok
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.reports.calibration_dates import CALIBRATION_DAYS, UNITS
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.storage.connection import open_reader, refuses, set_aside_before
from fevergate.storage.retention import kept

MIN_FREE_MB = 500

DISK_ZH = {"full": "已满", "read-only": "只读", "absent": "不存在"}


def database(settings: GatewaySettings) -> Iterator[Finding]:
    path = settings.path(settings.database)
    if not path.exists():
        yield Finding(
            check="database",
            state="warning",
            text=(f"{path} 尚不存在", f"{path}: not there yet"),
            advice=("网关首次运行时建立", "the gateway makes it when it first runs"),
        )
        return
    reader = open_reader(path)
    try:
        result = reader.execute("pragma quick_check").fetchone()[0]
        readings = reader.execute("select count(*) from readings").fetchone()[0]
    except sqlite3.Error as error:
        result, readings = str(error), 0
    finally:
        reader.close()
    if result == "ok":
        yield ok("database", f"完好，{readings} 条记录", f"sound, {readings} readings")
    else:
        yield Finding(
            check="database",
            state="failed",
            text=(f"{path} 损坏：{result}", f"{path}: {result}"),
            advice=("先复制该文件，再恢复备份", "copy the file first, then restore a backup"),
        )


def calibrations(settings: GatewaySettings) -> Iterator[Finding]:
    path = settings.path(settings.database)
    if not path.exists():
        return
    reader = open_reader(path)
    try:
        rows = {kiosk: row for kiosk, *row in reader.execute(UNITS)}
    finally:
        reader.close()
    for kiosk in (kiosk for gate in settings.gates for kiosk in gate.kiosks):
        sensor, at, by, uncertainty_c = rows.get(kiosk, (None, None, None, None))
        advice = (
            f"fevergate calibrate {kiosk} --by 姓名",
            f"fevergate calibrate {kiosk} --by NAME",
        )
        if at is None:
            unit = f" ({sensor})" if sensor else ""
            text = (f"{kiosk}{unit} 从未校准", f"{kiosk}{unit}: never calibrated")
            yield Finding(check="calibration", state="warning", text=text, advice=advice)
            continue
        day = datetime.fromtimestamp(at, settings.zone).date()
        due = time.time() - at > CALIBRATION_DAYS * 86400
        yield Finding(
            check="calibration",
            state="warning" if due else "ok",
            text=(
                f"{kiosk} 于 {day} 由 {by} 校准，±{uncertainty_c:.2f} °C"
                + ("，已到期" if due else ""),
                f"{kiosk}: {day} by {by}, ±{uncertainty_c:.2f} °C" + (", due" if due else ""),
            ),
            advice=advice if due else ("", ""),
        )


def disk(settings: GatewaySettings) -> Iterator[Finding]:
    folder = settings.path(settings.database).parent
    if why := refuses(folder):
        yield Finding(
            check="disk",
            state="failed",
            text=(f"{folder} 不能保存：{DISK_ZH[why]}", f"{folder} takes nothing: {why}"),
            advice=(
                "灯照常工作，读数保留在测温机中；腾出空间，或检查并更换存储卡",
                "the lamps work, and the kiosks keep their readings; make room, or check the card"
                " (dmesg) and replace it",
            ),
        )
        return
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    enough = free_mb >= MIN_FREE_MB
    yield Finding(
        check="disk",
        state="ok" if enough else "warning",
        text=(f"剩余 {free_mb} MB", f"{free_mb} MB free"),
        advice=("", "") if enough else ("清理磁盘", "make room"),
    )


def retention(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether data that is too old is deleted."""
    path = settings.path(settings.database)
    if not path.exists():
        return
    days = settings.retention.raw_days
    reader = open_reader(path)
    try:
        stored = kept(reader, settings.retention, time.time())
    finally:
        reader.close()
    oldest = (
        datetime.fromtimestamp(stored.oldest_at, settings.zone).date().isoformat()
        if stored.oldest_at
        else "-"
    )
    yield Finding(
        check="retention",
        state="warning" if stored.overdue else "ok",
        text=(
            f"原始记录保留 {days} 天，最早 {oldest}；人员姓名保留"
            f" {settings.retention.persons_days} 天",
            f"raw readings {days} days, oldest {oldest};"
            f" persons' names {settings.retention.persons_days} days",
        ),
        advice=("网关须保持运行", "the gateway takes old ones away while it runs")
        if stored.overdue
        else ("", ""),
    )


def refused(settings: GatewaySettings) -> Iterator[Finding]:
    """Summaries that the campus server refuses, which stay in the outbox."""
    path = settings.path(settings.database)
    if settings.campus_server is None or not path.exists():
        return
    reader = open_reader(path)
    try:
        rows = reader.execute(
            "select key, refused from outbox where refused != '' order by key limit 3"
        ).fetchall()
        (count,) = reader.execute("select count(*) from outbox where refused != ''").fetchone()
    finally:
        reader.close()
    if count:
        reasons = "; ".join(f"{key}: {why[:200]}" for key, why in rows)
        yield Finding(
            check="refused",
            state="warning",
            text=(
                f"校园服务器拒收 {count} 条汇总：{reasons}",
                f"the campus server refuses {count} summaries: {reasons}",
            ),
            advice=(
                "汇总保留在此，每小时重试；检查两边的版本、校区名和时钟",
                "they are kept here and tried each hour; compare versions, campus and clock",
            ),
        )


def damaged(settings: GatewaySettings) -> Iterator[Finding]:
    """Files of databases and broker stores that were damaged and set aside."""
    names = (settings.database, settings.web.database, (settings.desk or Desk()).database)
    for aside in (aside for name in names for aside in set_aside_before(settings.path(name))):
        yield Finding(
            check="damaged",
            state="warning",
            text=(f"曾损坏的数据库：{aside.name}", f"a database that was damaged: {aside.name}"),
            advice=(
                "可读部分已取回；检查存储卡，确认后移走该文件",
                "what could be read was taken over; check the card, then move that file away",
            ),
        )
    for aside in stores_aside(settings.folder):
        yield Finding(
            check="damaged",
            state="warning",
            text=(
                f"消息服务器的存储曾损坏：{aside.name}",
                f"the broker's store was damaged: {aside.name}",
            ),
            advice=(
                "已重新建立，读数由测温机重发；检查存储卡，确认后移走该文件",
                "begun anew, the kiosks send again; check the card, then move that file away",
            ),
        )
