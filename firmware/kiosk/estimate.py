"""From what the sensor reads to a body temperature. Pure, no state.

The scale of every `body_c` and `threshold_c` is the axillary equivalent, in which gate checks
are stated (37.3 °C); a mouth reads about 0.3 °C more.

Why these formulas, and not a fit:

- Skin lies between the blood that warms it and the air that cools it. In heat balance
  `T_body - T_skin = F (T_skin - T_air)` (Pompei, US 6056435), so that a degree of the room
  moves the skin by F / (1 + F). One number for each site, how far healthy skin lies below the
  mouth in a room of known temperature, gives both the offset and F: 0.11 for the inner canthus,
  0.08 for the hottest spot of a face, 0.23 for the forehead (published: 0.20 to 0.21 for
  foreheads). Nothing is fitted to rooms, so nothing is extrapolated in a room that is warmer.
- The slope in the skin's temperature is exactly 1. Heat balance would give 1 + F, which also
  stretches how people differ from each other; a regression of the mouth on the skin gives far
  less than 1, pulls every reading towards normal, and hides fevers (Healy et al. 2021, J. Biomed.
  Opt. 26(4) 043009). With 1 a hotter face never reads cooler, and a black body that is stepped up
  by a degree is shown a degree higher.
- The air is not the sensor's ambient: that is its can, which the board warms. The difference
  is part of the unit's calibration.
"""

ORAL_TO_AXILLARY_C = -0.3
"""Textbook: mouth 36.3 to 37.2, axilla 36.0 to 37.0 °C."""

REFERENCE_ROOM_C = 23.2
"""Mean of the rooms in which the sites' figures were taken."""

_SKIN_EMISSIVITY = 0.98
_REFLECTED = 1 - _SKIN_EMISSIVITY


class Site:
    """Where the kiosk looks.

    `skin_c` is what healthy skin there has in a room of `REFERENCE_ROOM_C`, and
    `oral_minus_skin_c` what the mouth has more: means of 544 people in Wang et al. 2023
    (PhysioNet, doi 10.13026/3bhc-9065), FLIR camera. `sweeps`: the face moves through the
    view, and its hottest spot is what counts.
    """

    def __init__(self, skin_c, oral_minus_skin_c, sweeps=False, room_share=1.0):
        """`room_share`: how much of the room's effect is corrected; all of it on a kiosk."""
        self.skin_c = skin_c
        self.sweeps = sweeps
        heat_loss = oral_minus_skin_c / (skin_c - REFERENCE_ROOM_C)
        self.per_room_c = room_share * heat_loss / (1 + heat_loss)
        # Axillary minus skin, in a room of 0 °C: one sum, since a board pays for every float.
        self.over_skin_c = (
            oral_minus_skin_c + ORAL_TO_AXILLARY_C + self.per_room_c * REFERENCE_ROOM_C
        )


SITES = {
    "canthus": Site(35.57, 1.30),
    "face_max": Site(35.90, 0.97, sweeps=True),
    "forehead": Site(34.32, 2.55),
}


def through_emissivity(object_c, ambient_c):
    """The temperature (°C) of skin that reads `object_c` with the part's emissivity set to 1.

    The rest of the radiation is the room's, taken as `ambient_c`.
    T_skin^4 = (T_read^4 - (1 - e) T_ambient^4) / e, in kelvin.
    """
    skin_k4 = (object_c + 273.15) ** 4 - _REFLECTED * (ambient_c + 273.15) ** 4
    return (skin_k4 / _SKIN_EMISSIVITY) ** 0.25 - 273.15


def body_c(skin_c, air_c, site):
    """Axillary equivalent (°C) of a skin temperature at a site, in air of `air_c`."""
    return skin_c + site.over_skin_c - site.per_room_c * air_c
