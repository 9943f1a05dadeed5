"""Compares the supply voltage set for a kiosk's sensor now with the one set at its calibration."""

import json

from fevergate.settings.gateway import GatewaySettings
from kiosk.mlx90614 import CALIBRATED_AT_V, DRIFT_C_PER_V

LEAST_V = 0.005
"""Smallest change that counts (V): voltmeters show two decimals."""


def supply_of(settings: GatewaySettings, kiosk: str) -> float | None:
    """The setting `supply_v` of a kiosk (V); None if the kiosk's settings.json cannot be read."""
    path = settings.folder / "kiosks" / kiosk / "settings.json"
    try:
        supply_v = json.loads(path.read_text(encoding="utf-8")).get("supply_v", CALIBRATED_AT_V)
        return float(supply_v)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def moved_c(calibrated_at_v: float | None, now_v: float | None) -> float | None:
    """By how much (°C) a changed setting shifts readings against the calibration, if the voltage
    itself did not change (0.6 °C per volt, MLX90614 data sheet). None if the setting was not
    changed, or if one of the two values is unknown."""
    if calibrated_at_v is None or now_v is None or abs(now_v - calibrated_at_v) < LEAST_V:
        return None
    return DRIFT_C_PER_V * (calibrated_at_v - now_v)
