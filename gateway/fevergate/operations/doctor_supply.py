"""Names the kiosks whose sensor is not fed with the voltage at which it was calibrated."""

from collections.abc import Iterator

from fevergate.command_line.finding import Finding, ok, warning
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision.kiosks import settings_of
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import both
from kiosk.mlx90614 import CALIBRATED_AT_V, DRIFT_C_PER_V


def supplies(settings: GatewaySettings) -> Iterator[Finding]:
    """What each such kiosk was told of its supply, and what it takes off for it."""
    for kiosk in settings.kiosks:
        try:
            supply_v = settings_of(settings.folder, kiosk).get("supply_v", CALIBRATED_AT_V)
        except NothingFoundError:  # its folder was moved to the machine that flashes
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
