"""Every gate's lamps: claimed when the gateway starts, and again while they cannot be had."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gpiozero.pins import Factory

from fevergate.alarm.gpio import GateLights, NoLights, name_of, open_factory
from fevergate.errors import PinsError
from fevergate.settings.gateway import Gate, GatewaySettings

log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""How often lamps that cannot be had are asked for anew: a chip may come late at boot."""


class Lamps:
    """`lights` has an entry for each gate: its lamps, or why it has none."""

    def __init__(
        self,
        settings: GatewaySettings,
        factory: Factory | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """On the pins of `factory`, or as the settings say. Never fails: no pins is amber."""
        self._settings = settings
        self._factory = factory
        self._now = now
        self._asked_at = now()
        self.lights: dict[str, GateLights | NoLights] = {
            gate.name: self._claim(gate) for gate in settings.gates
        }
        for gate, lights in self.lights.items():
            if lights.dark:
                _tell(gate, lights.dark)

    def again(self) -> dict[str, GateLights]:
        """Ask for what could not be had; returns the gates that have lamps now."""
        if self._now() - self._asked_at < AGAIN_S:
            return {}
        self._asked_at = self._now()
        won: dict[str, GateLights] = {}
        for gate in self._settings.gates:
            if not self.lights[gate.name].dark:
                continue
            lights = self._claim(gate)
            self.lights[gate.name] = lights
            if isinstance(lights, GateLights):
                won[gate.name] = lights
                log.info("gate %s: its lamps can be lit now", gate.name)
        return won

    @property
    def pins(self) -> str:
        """The pin library, or empty where there is none."""
        return name_of(self._factory) if self._factory else ""

    @property
    def dark(self) -> dict[str, str]:
        """Gates no lamp of which can be lit, and why."""
        return {gate: lights.dark for gate, lights in self.lights.items() if lights.dark}

    def close(self) -> None:
        """Give all pins back."""
        for lights in self.lights.values():
            lights.close()

    def _claim(self, gate: Gate) -> GateLights | NoLights:
        try:
            if self._factory is None:
                self._factory = open_factory(self._settings.pins.factory)
            return GateLights(gate, self._factory, self._settings.alarm.buzzer)
        except PinsError as error:
            return NoLights(str(error))


def _tell(gate: str, dark: str) -> None:
    """In the journal, in both languages."""
    from fevergate.texts import trouble_text  # with babel, where no lamp can be lit
    from fevergate.texts.translations import translations

    log.error("gate %s: %s", gate, dark)
    log.error("闸口 %s：%s", gate, trouble_text.line(dark, translations("zh").gettext))
