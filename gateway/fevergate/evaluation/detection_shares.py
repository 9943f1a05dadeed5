"""Measured share of fevers that are found at lower and higher thresholds; a test computes it again.

The data are both cameras of group 1 of Wang et al. 2023 (doi 10.13026/3bhc-9065), replayed as by
`fevergate evaluate`. Of 544 people, 47 had 37.5 °C or more in the mouth; 19 had 38.0 °C or more.
"""

THRESHOLDS_C = (36.7, 36.8, 36.9, 37.0, 37.1, 37.2, 37.3, 37.4, 37.5)
"""Thresholds (°C, axillary) that a kiosk can be set to; a site's margin is subtracted from each."""

MILD_FROM_C = 37.5
FEVER_FROM_C = 38.0
"""Oral temperatures (°C) from which on a person counts as having a mild fever, or a fever."""

DETECTION_SHARES: dict[str, dict[float, tuple[float, ...]]] = {
    "canthus": {
        MILD_FROM_C: (0.99, 0.97, 0.95, 0.93, 0.88, 0.78, 0.73, 0.68, 0.64),
        FEVER_FROM_C: (1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00),
    },
    "face_max": {
        MILD_FROM_C: (0.99, 0.98, 0.96, 0.94, 0.89, 0.83, 0.76, 0.71, 0.64),
        FEVER_FROM_C: (1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 0.97, 0.97),
    },
    "forehead": {
        MILD_FROM_C: (0.91, 0.90, 0.87, 0.82, 0.76, 0.69, 0.67, 0.57, 0.49),
        FEVER_FROM_C: (1.00, 1.00, 0.97, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95),
    },
}
"""By site and oral temperature: the share of fevers found at each of `THRESHOLDS_C`."""
