"""`fevergate doctor`'s checks of the sensors' supply voltage. It is compared with the voltage at
which the maker calibrates, and with the voltage that was set at the last calibration."""

from collections.abc import Iterator

from sqlite_utils import Database

from fevergate.command_line.finding import Finding, ok, warning
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.kiosks.supply import moved_c, supply_of
from fevergate.operations.doctor_storage import stored
from fevergate.provision.kiosks import settings_of
from fevergate.reports.calibration_dates import UNITS
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import Pair, both
from kiosk.mlx90614 import CALIBRATED_AT_V, DRIFT_C_PER_V


def supplies(settings: GatewaySettings) -> Iterator[Finding]:
    """Kiosks whose `supply_v` (V) is not the maker's voltage, and the correction (°C) that they
    subtract for the difference."""
    for kiosk in settings.kiosks:
        try:
            supply_v = settings_of(settings.folder, kiosk).get("supply_v", CALIBRATED_AT_V)
        except NothingFoundError:  # the kiosk's folder was moved to the machine that flashes
            continue
        except ProvisionError as error:
            advice = both("write it anew: fevergate provision kiosk {kiosk}", kiosk=kiosk)
            yield warning("supply", str(error), advice)
            continue
        if supply_v != CALIBRATED_AT_V:
            yield ok(
                "supply",
                "{kiosk}: its sensor is fed with {supply_v:.2f} V: {off_c:+.2f} °C is taken off"
                " each reading. Measured anew: {command} VOLTS",
                kiosk=kiosk,
                supply_v=supply_v,
                off_c=DRIFT_C_PER_V * (supply_v - CALIBRATED_AT_V),
                command=f"fevergate provision kiosk {kiosk} --supply-v",
            )


@stored
def changed(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """Kiosks whose `supply_v` has been changed since their sensor was calibrated."""
    for kiosk, _, _, _, _, was_v in reader.execute(UNITS):
        if kiosk not in settings.kiosks:
            continue
        command = f"fevergate calibrate {kiosk}"
        yield from moved("supply", kiosk, command, was_v, supply_of(settings, kiosk))


def moved(
    check: str, name: Pair | str, command: str, was_v: float | None, now_v: float | None
) -> Iterator[Finding]:
    """A warning if `supply_v` was `was_v` (V) when a sensor was calibrated and is `now_v` today."""
    if (off_c := moved_c(was_v, now_v)) is not None:
        yield warning(
            check,
            both(
                "{name}: calibrated at {was_v:.2f} V, now {now_v:.2f} V is set:"
                " {off_c:+.2f} °C in each reading, unless the supply itself changed",
                name=name,
                was_v=was_v,
                now_v=now_v,
                off_c=off_c,
            ),
            both("{command} --by NAME", command=command),
        )
