"""Claims every gate's lamps when the gateway starts, and retries those that cannot be claimed."""

import logging
import time
from collections.abc import Callable

from gpiozero.pins import Factory

from fevergate.alarm.gpio import GateLights, NoLights, library_of, open_factory
from fevergate.errors import PinsError
from fevergate.settings.gateway import Gate, GatewaySettings
from fevergate.texts import trouble_text
from fevergate.texts.translations import both, translator

log = logging.getLogger(__name__)

RETRY_S = 10.0
"""Time between two attempts to claim lamps: a GPIO chip may appear late at boot."""


class Lamps:
    """Lamps of all gates; `lights` holds for each gate its lamps, or the reason why it has none."""

    def __init__(
        self,
        settings: GatewaySettings,
        factory: Factory | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Claim the lamps through `factory`, or through the pin library that the settings name.
        Never raises `PinsError`: a gate whose lamps cannot be claimed gets `NoLights`."""
        self._settings = settings
        self._factory = factory
        self._now = now
        self._tried_at = now()
        self.lights: dict[str, GateLights | NoLights] = {
            gate.name: self._claim(gate) for gate in settings.gates
        }
        for gate, lights in self.lights.items():
            if lights.dark:
                _log(gate, lights.dark)

    def retry(self) -> dict[str, GateLights]:
        """Try again to claim missing lamps, at most once in `RETRY_S`; returns the newly claimed
        lamps by gate."""
        if self._now() - self._tried_at < RETRY_S:
            return {}
        self._tried_at = self._now()
        claimed: dict[str, GateLights] = {}
        for gate in self._settings.gates:
            if not self.lights[gate.name].dark:
                continue
            lights = self._claim(gate)
            self.lights[gate.name] = lights
            if isinstance(lights, GateLights):
                claimed[gate.name] = lights
                log.info("gate %s: its lamps can be lit now", gate.name)
        return claimed

    @property
    def pins(self) -> str:
        """Name of the pin library; empty if none could be opened."""
        return library_of(self._factory) if self._factory else ""

    @property
    def dark(self) -> dict[str, str]:
        """Gates whose lamps cannot be lit, each with the reason."""
        return {gate: lights.dark for gate, lights in self.lights.items() if lights.dark}

    def close(self) -> None:
        """Release all pins."""
        for lights in self.lights.values():
            lights.close()

    def _claim(self, gate: Gate) -> GateLights | NoLights:
        if gate.lamps == "none":
            return NoLights()
        try:
            if self._factory is None:
                self._factory = open_factory(self._settings.pins.factory)
            return GateLights(gate, self._factory, self._settings.alarm.buzzer)
        except PinsError as error:
            return NoLights(str(error))


def _log(gate: str, dark: str) -> None:
    """Log in both languages why a gate's lamps cannot be lit."""
    why = (trouble_text.line(dark, translator("zh")), dark)
    for text in both("gate {gate}: {why}", gate=gate, why=why):
        log.error("%s", text)
