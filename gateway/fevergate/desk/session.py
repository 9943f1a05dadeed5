"""Common start of the desk's commands: settings, open bus, sensor, and the store if needed."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fevergate.desk import gateway_reader
from fevergate.desk.linux_i2c import DeskBus
from fevergate.desk.scan import Looker
from fevergate.desk.sensor import Clock, DeskSensor
from fevergate.desk.store import DeskStore, calibration_of, last_check
from fevergate.errors import SettingsError
from fevergate.settings.gateway import Desk, GatewaySettings, load_gateway
from fevergate.texts.translations import side_by_side
from kiosk.calibration import Calibration
from kiosk.estimate import SITES
from kiosk.screening import THRESHOLD_C


@dataclass
class DeskSession:
    """Settings and sensor of a desk that is ready."""

    settings: GatewaySettings
    desk: Desk
    sensor: DeskSensor
    clock: Clock

    def calibration(self) -> Calibration:
        """The newest calibration of the connected sensor."""
        return calibration_of(self.settings, self.desk, self.sensor.unit)

    def looker(self, threshold_c: float | None) -> Looker:
        """A `Looker` with this threshold (°C), else the kiosks' lowest one, else the default."""
        threshold_c = threshold_c or gateway_reader.strictest_c(self.settings)
        threshold_c = threshold_c or THRESHOLD_C - SITES[self.desk.site].margin_c
        return Looker(self.sensor, self.calibration(), self.desk.site, threshold_c, self._checked)

    def _checked(self) -> bool:
        last = last_check(self.settings, self.desk, self.sensor.unit)
        return last is not None and last.state(time.time()) == "passed"

    def store(self) -> closing[DeskStore]:
        """Open the store for writing; a look that is not kept needs no write permission."""
        return closing(DeskStore(self.settings, self.desk))


def settings_of(path: Path) -> tuple[GatewaySettings, Desk]:
    """Load gateway.toml and its [desk]. Raises `SettingsError`, also if there is no [desk]."""
    settings = load_gateway(path)
    if settings.desk is None:
        raise SettingsError(
            side_by_side(
                "{path}: desk: missing; where a sensor hangs on the Pi's pins, add [desk] and"
                " bus = 1",
                path=path,
            )
        )
    return settings, settings.desk


@contextmanager
def open_desk(path: Path) -> Iterator[DeskSession]:
    """Open the sensor for as long as the block lasts. Raises `SettingsError`, `DeskError`,
    `StoreError`."""
    settings, desk = settings_of(path)
    clock = Clock()
    with DeskBus(desk.bus) as bus:
        sensor = DeskSensor(bus, desk.supply_v, clock)
        sensor.begin()
        yield DeskSession(settings, desk, sensor, clock)
