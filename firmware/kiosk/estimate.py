"""Estimates body temperature from skin and air temperature. Pure, no state.

Every `body_c` and `threshold_c` is an axillary equivalent, the scale of gate checks (37.3 °C);
an oral temperature is about 0.3 °C higher.

Why these formulas, and not a fit:

- Blood warms skin and air cools it. In heat balance `T_body - T_skin = F (T_skin - T_air)`
  (Pompei, US 6056435), so a room that is 1 °C warmer warms the skin by F / (1 + F). Each site has
  one figure: by how much healthy skin is colder than the mouth in a room of known temperature. It
  gives both the offset and F: 0.11 for the inner canthus, 0.08 for the hottest spot of a face, 0.23
  for the forehead (published: 0.20 to 0.21 for foreheads). Nothing is fitted to room temperatures,
  so nothing is extrapolated in a warmer room.
- The slope of the skin's temperature is exactly 1. Heat balance would give 1 + F, which also
  enlarges the differences between people; a regression of oral on skin temperature gives far less
  than 1, pulls every reading towards normal, and hides fevers (Healy et al. 2021, J. Biomed. Opt.
  26(4) 043009). With slope 1 a hotter face never reads cooler, and a black body that is 1 °C hotter
  reads 1 °C higher.
- The air temperature is not the sensor's ambient temperature: that is its can's, which the board
  warms. The difference is part of the sensor's calibration.
"""

ORAL_TO_AXILLARY_C = -0.3
"""Axillary minus oral temperature. Textbook: oral 36.3 to 37.2, axillary 36.0 to 37.0 °C."""

REFERENCE_ROOM_C = 23.2
"""Mean temperature of the rooms in which the figures of `SITES` were measured."""

_SKIN_EMISSIVITY = 0.98
_REFLECTED = 1 - _SKIN_EMISSIVITY


class Site:
    """The part of the face that the kiosk measures.

    `skin_c`: mean temperature of healthy skin there in a room of `REFERENCE_ROOM_C`;
    `oral_minus_skin_c`: mean difference to the oral temperature; both of 544 people in Wang et
    al. 2023 (PhysioNet, doi 10.13026/3bhc-9065), FLIR camera. `sweeps`: the face moves through the
    view, and its hottest spot counts. `margin_c`: how far below the threshold (°C) an estimate of
    this site is positive already.
    """

    def __init__(self, skin_c, oral_minus_skin_c, sweeps=False, margin_c=0.0, room_share=1.0):
        """`room_share`: fraction of the room's effect that is corrected; 1 on a kiosk."""
        self.skin_c = skin_c
        self.margin_c = margin_c
        self.sweeps = sweeps
        heat_loss = oral_minus_skin_c / (skin_c - REFERENCE_ROOM_C)
        self.per_room_c = room_share * heat_loss / (1 + heat_loss)
        # Axillary minus skin temperature in a room of 0 °C, added up once: floats take heap.
        self.over_skin_c = (
            oral_minus_skin_c + ORAL_TO_AXILLARY_C + self.per_room_c * REFERENCE_ROOM_C
        )


SITES = {
    "canthus": Site(35.57, 1.30),
    "face_max": Site(35.90, 0.97, sweeps=True),
    "forehead": Site(34.32, 2.55, margin_c=0.15),
}
"""The forehead's margin: healthy foreheads spread by 0.53 to 0.61 °C, the canthus by 0.36 to 0.41,
so that the same threshold finds fewer fevers at the forehead. In steps of 0.05 °C it is the largest
margin at which both cameras of group 1 of Wang et al. keep a specificity of 0.90 (0.92 and 0.90;
without a margin 0.97 and 0.94). It is not an offset, because the baseline would undo an offset."""


def through_emissivity(object_c, ambient_c):
    """Skin temperature (°C) for a reading `object_c` (°C) taken with emissivity 1.

    Skin of emissivity e = 0.98 also reflects the room's radiation, taken as that of `ambient_c`:
    T_skin^4 = (T_read^4 - (1 - e) T_ambient^4) / e, in kelvin.
    """
    skin_k4 = (object_c + 273.15) ** 4 - _REFLECTED * (ambient_c + 273.15) ** 4
    return (skin_k4 / _SKIN_EMISSIVITY) ** 0.25 - 273.15


def body_c(skin_c, air_c, site):
    """Axillary equivalent (°C) of a skin temperature (°C) at a `Site`, in air of `air_c`."""
    return skin_c + site.over_skin_c - site.per_room_c * air_c
