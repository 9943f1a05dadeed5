"""Checks of the desk: does its sensor answer, was it checked today, is it calibrated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from fevergate.command_line.finding import Finding, ok
from fevergate.desk.linux_i2c import DeskBus
from fevergate.desk.sensor import Clock, DeskSensor
from fevergate.desk.store import last_check, newest
from fevergate.errors import DeskError
from fevergate.operations.doctor_storage import CALIBRATION_DAYS
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.storage.coverage_bits import DAY_S

_CHECK = ("fevergate desk check --by 姓名", "fevergate desk check --by NAME")
_CALIBRATE = ("fevergate desk calibrate --by 姓名", "fevergate desk calibrate --by NAME")


def desk(settings: GatewaySettings) -> Iterator[Finding]:
    """Sensor, last check and calibration; nothing where no desk is configured."""
    if settings.desk is None:
        return
    unit = ""
    try:
        with DeskBus(settings.desk.bus) as bus:
            sensor = DeskSensor(bus, settings.desk.supply_v, Clock())
            sensor.begin()
            unit = sensor.unit
            sensor_at = f"{sensor.unit}, {bus.path}"
    except DeskError as error:
        yield Finding(check="desk", state="failed", text=error.text, advice=error.advice)
    else:
        yield ok(
            "desk", f"值班台传感器应答：{sensor_at}", f"the desk's sensor answers: {sensor_at}"
        )
    yield _checked(settings, settings.desk, unit)
    if unit:
        yield _calibrated(settings, settings.desk, unit)


def _checked(settings: GatewaySettings, desk: Desk, unit: str) -> Finding:
    """The last check of the sensor that answers; of any sensor, where none does."""
    last = last_check(settings, desk, unit or None)
    if last is None:
        text = ("值班台传感器从未检查", "the desk's sensor was never checked")
        return Finding(check="desk check", state="warning", text=text, advice=_CHECK)
    when = datetime.fromtimestamp(last.at, settings.zone).strftime("%Y-%m-%d %H:%M")
    zh = f"{when} 由 {last.by} 检查，相差 {last.difference_c:+.2f} °C"
    en = f"{when} by {last.by}, {last.difference_c:+.2f} °C"
    state = last.state(time.time())
    if state == "failed":
        text = (f"{zh}：不合格，不要用它判断任何人", f"{en}: failed, judge nobody by it")
        return Finding(check="desk check", state="failed", text=text, advice=_CHECK)
    if state == "old":
        text = (f"{zh}：已超过一天", f"{en}: more than a day ago")
        return Finding(check="desk check", state="warning", text=text, advice=_CHECK)
    return ok("desk check", f"{zh}，合格", f"{en}, passed")


def _calibrated(settings: GatewaySettings, desk: Desk, unit: str) -> Finding:
    row = next(iter(newest(settings, desk, "calibrations", 1, unit)), None)
    if row is None:
        text = ("值班台传感器从未校准", "the desk's sensor was never calibrated")
        return Finding(check="desk", state="warning", text=text, advice=_CALIBRATE)
    day = datetime.fromtimestamp(row["at"], settings.zone).date()
    due = time.time() - row["at"] > CALIBRATION_DAYS * DAY_S
    return Finding(
        check="desk",
        state="warning" if due else "ok",
        text=(
            f"于 {day} 由 {row['by']} 校准，±{row['uncertainty_c']:.2f} °C" + ("，已到期" * due),
            f"calibrated {day} by {row['by']}, ±{row['uncertainty_c']:.2f} °C" + (", due" * due),
        ),
        advice=_CALIBRATE if due else ("", ""),
    )
