"""Checks of the desk: whether its sensor answers, was checked lately, and is calibrated."""

import time
from collections.abc import Iterator
from datetime import datetime

from fevergate.command_line.finding import Finding, failed, ok, warning
from fevergate.desk.linux_i2c import DeskBus
from fevergate.desk.sensor import Clock, DeskSensor
from fevergate.desk.store import last_check, newest
from fevergate.errors import DeskError
from fevergate.operations.doctor_storage import calibration
from fevergate.operations.doctor_supply import moved
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.texts.translations import N_, both

_CHECK = N_("fevergate desk check --by NAME")
_CALIBRATE = "fevergate desk calibrate"


def desk(settings: GatewaySettings) -> Iterator[Finding]:
    """Sensor, last check and calibration; no finding if no desk is configured."""
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
        yield failed("desk", error.text, error.advice)
    else:
        yield ok("desk", "the desk's sensor answers: {sensor_at}", sensor_at=sensor_at)
    yield _checked(settings, settings.desk, unit)
    if unit:
        row = next(iter(newest(settings, settings.desk, "calibrations", 1, unit)), {})
        last = [row.get(key) for key in ("at", "by", "uncertainty_c")]
        name = both("the desk's sensor")
        yield calibration("desk", name, _CALIBRATE, settings, last)
        supply_v = settings.desk.supply_v
        yield from moved("desk", name, _CALIBRATE, row.get("supply_v"), supply_v)


def _checked(settings: GatewaySettings, desk: Desk, unit: str) -> Finding:
    """The last check of the sensor that answers or, if none answers, of any sensor."""
    last = last_check(settings, desk, unit or None)
    if last is None:
        return warning("desk check", "the desk's sensor was never checked", _CHECK)
    date = datetime.fromtimestamp(last.at, settings.zone).strftime("%Y-%m-%d %H:%M")
    check = both(
        "{when} by {by}, {difference_c:+.2f} °C",
        when=date,
        by=last.by,
        difference_c=last.difference_c,
    )
    state = last.state(time.time())
    if state == "failed":
        return failed("desk check", "{check}: failed, judge nobody by it", _CHECK, check=check)
    if state == "old":
        return warning("desk check", "{check}: more than a day ago", _CHECK, check=check)
    return ok("desk check", "{check}, passed", check=check)
