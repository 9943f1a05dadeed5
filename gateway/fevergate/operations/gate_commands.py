"""Publishes a person's request to a gate of this gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fevergate.errors import NothingFoundError
from fevergate.protocol.messages import Acknowledge, LampTest, encode
from fevergate.settings.gateway import GatewaySettings, load_gateway


def publish_to_gate(
    settings_path: Path,
    gate: str,
    by: str,
    topic: Callable[[str, str], str],
    message: type[Acknowledge] | type[LampTest],
) -> GatewaySettings:
    """Publish `message` of `by` on `topic(campus, gate)` as user `admin`; returns the settings.

    The password is beside the settings (admin.password). Raises `NothingFoundError` for an unknown
    gate, `SettingsError`, `BrokerError`.
    """
    from fevergate.mqtt.one_shot import publish_once

    settings = load_gateway(settings_path).as_user("admin")
    gates = [known.name for known in settings.gates]
    if gate not in gates:
        raise NothingFoundError(f"gate {gate!r}: expected one of {', '.join(gates)}")
    publish_once(settings, topic(settings.campus, gate), encode(message(by=by)))
    return settings
