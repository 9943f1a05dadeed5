"""Decides by the second measurement whether a fever is confirmed."""

CONFIRMED_C = 37.3
"""Fever threshold of China's gate checks, axillary, by clinical thermometer."""

ABOVE_AXILLARY_C = {"": 0.0, "axillary": 0.0, "oral": 0.3, "ear": 0.3}
"""Offset of other sites to axillary (°C), from the textbook normal ranges of oral and axillary
temperature."""


def is_confirmed(clinical_c: float | None, clinical_site: str) -> bool:
    """Whether a second measurement (°C, at a site of `ABOVE_AXILLARY_C`) is a fever, too."""
    if clinical_c is None:
        return False
    return clinical_c >= round(CONFIRMED_C + ABOVE_AXILLARY_C[clinical_site], 2)


def needs_notice(clinical_c: float | None, clinical_site: str, outcome: str) -> bool:
    """Whether those on duty are told of a follow-up: its fever is confirmed, or the person is sent
    to a clinic."""
    return outcome == "clinic" or is_confirmed(clinical_c, clinical_site)
