"""Radiation that reaches the sensor: the arithmetic of grey bodies (Stefan-Boltzmann).

It is independent of the firmware's emissivity correction, and so can test that correction.
"""

from dataclasses import dataclass

ZERO_C_K = 273.15
SKIN_EMISSIVITY = 0.98


@dataclass(frozen=True)
class View:
    """The sensor's field of view: a surface (°C) that fills a share of it (0 to 1).

    The rest of the view and the surroundings that the surface reflects are at `ambient_c`.
    """

    surface_c: float
    ambient_c: float
    emissivity: float = SKIN_EMISSIVITY
    fill: float = 1.0

    @property
    def radiant_c(self) -> float:
        """Temperature (°C) of a black body with the same radiation."""
        share = self.fill * self.emissivity
        surface_k4 = (self.surface_c + ZERO_C_K) ** 4
        ambient_k4 = (self.ambient_c + ZERO_C_K) ** 4
        return (share * surface_k4 + (1 - share) * ambient_k4) ** 0.25 - ZERO_C_K


def through_film(radiant_c: float, film_c: float, share: float) -> float:
    """Radiant temperature (°C) behind a film at `film_c` that passes `share` of the radiation."""
    radiant_k4 = (radiant_c + ZERO_C_K) ** 4
    film_k4 = (film_c + ZERO_C_K) ** 4
    return (share * radiant_k4 + (1 - share) * film_k4) ** 0.25 - ZERO_C_K


def as_seen_with(radiant_c: float, die_c: float, emissivity: float) -> float:
    """Object temperature (°C) that a sensor reports if its emissivity is set to `emissivity`."""
    radiant_k4 = (radiant_c + ZERO_C_K) ** 4
    die_k4 = (die_c + ZERO_C_K) ** 4
    surface_k4 = max((radiant_k4 - (1 - emissivity) * die_k4) / emissivity, 0.0)
    return surface_k4**0.25 - ZERO_C_K
