"""Messages and settings for tests, with sensible values for fields that a test does not name."""

from typing import Any

from fevergate.protocol.messages import Health, Reading, Verdict
from fevergate.settings.gateway import Gate, GatewaySettings
from fevergate.storage.records import ReadingArrived

AT = 1_795_400_000.0  # 2026-11-23 02:13:20 UTC, 10:13:20 in Shanghai


def reading(seq: int = 1, verdict: str = "normal", **fields: Any) -> Reading:
    values: dict[str, Any] = {
        "kiosk": "north-1",
        "boot": 1,
        "seq": seq,
        "at": AT + seq,
        "up_ms": seq * 1000,
        "verdict": Verdict(verdict),
        "skin_c": 35.6,
        "body_c": 36.6,
    }
    return Reading(**(values | fields))


def arrived(seq: int = 1, verdict: str = "normal", **fields: Any) -> ReadingArrived:
    return ReadingArrived(reading(seq, verdict, **fields), AT + 100, "north")


def health(**fields: Any) -> Health:
    values: dict[str, Any] = {
        "kiosk": "north-1",
        "boot": 1,
        "at": AT,
        "up_ms": 60_000,
        "state": "ok",
        "watched_s": 60.0,
    }
    return Health(**(values | fields))


def settings(**fields: Any) -> GatewaySettings:
    values: dict[str, Any] = {
        "campus": "east",
        "gateway": "gw-east",
        "gates": [
            Gate(name="north", kiosks=["north-1", "north-2"], pins="gate1"),
            Gate(name="south", kiosks=["south-1"], pins="gate2"),
        ],
    }
    return GatewaySettings(**(values | fields))
