"""Pin numbers, built by tools/make-pins from hardware/pins.toml: change that."""

GATES: dict[str, dict[str, int]] = {
    "gate1": {
        "red": 17,
        "amber": 27,
        "green": 22,
        "buzzer": 23,
        "acknowledge": 24,
    },
    "gate2": {
        "red": 5,
        "amber": 6,
        "green": 13,
        "buzzer": 19,
        "acknowledge": 26,
    },
}
"""BCM numbers of each set of lights, buzzer and button."""
