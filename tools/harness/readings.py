"""Makes readings as a kiosk would, to fill stores and brokers."""

from typing import Any

from fevergate.protocol.messages import Reading, Verdict


def made_reading(
    kiosk: str, boot: int, seq: int, at: float, verdict: Verdict, body_c: float, **fields: Any
) -> Reading:
    """A reading taken at `at` (Unix s); `fields` are further ones."""
    values: dict[str, Any] = {
        "up_ms": seq * 1000,
        "object_c": round(body_c - 2.1, 2),
        "ambient_c": 24.31,
        "skin_c": round(body_c - 1.3, 2),
        "threshold_c": 37.3,
        "baseline_c": 0.12,
        "samples": 9,
        "scan_ms": 640,
        "fw": "0.1.0",
    }
    values |= {"kiosk": kiosk, "boot": boot, "seq": seq, "at": at} | fields
    return Reading(verdict=verdict, body_c=body_c, **values)
