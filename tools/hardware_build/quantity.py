"""Quantities as they are written: with an SI prefix."""

_PREFIX = ((1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def written(value: float, unit: str) -> str:
    """A value with its SI prefix and unit, such as 5.6 kΩ."""
    if unit == "°C" or value == 0:
        return f"{value:.3g} {unit}"
    scale, letter = next(
        (prefix for prefix in _PREFIX if abs(value) >= prefix[0] * (1 - 1e-9)), _PREFIX[-1]
    )
    number = value / scale
    text = f"{number:.0f}" if number >= 100 else f"{number:.3g}"
    return f"{text} {letter}{unit}"
