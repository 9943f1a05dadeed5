"""The supply voltage of a kiosk's sensor: the setting now, beside that of its calibration."""

import json

from fevergate.settings.gateway import GatewaySettings
from kiosk.mlx90614 import CALIBRATED_AT_V, DRIFT_C_PER_V

LEAST_V = 0.005
"""Least change that counts: a voltmeter's second decimal."""


def supply_of(settings: GatewaySettings, kiosk: str) -> float | None:
    """The setting `supply_v` of a kiosk (V); None where its settings.json cannot be read."""
    path = settings.folder / "kiosks" / kiosk / "settings.json"
    try:
        supply_v = json.loads(path.read_text(encoding="utf-8")).get("supply_v", CALIBRATED_AT_V)
        return float(supply_v)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def moved_c(calibrated_at_v: float | None, now_v: float | None) -> float | None:
    """By how much readings (°C) differ from those at the calibration because the setting changed
    (0.6 °C a volt, MLX90614 data sheet), if the voltage itself did not; None where it did not
    change, or one of both is not known."""
    if calibrated_at_v is None or now_v is None or abs(now_v - calibrated_at_v) < LEAST_V:
        return None
    return DRIFT_C_PER_V * (calibrated_at_v - now_v)
