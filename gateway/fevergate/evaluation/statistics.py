"""Measures of how good a screening test is, with 95 % intervals."""

from collections.abc import Sequence
from statistics import NormalDist, variance

Z_95 = NormalDist().inv_cdf(0.975)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209); without trials it is
    0 to 1."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, Z_95**2
    middle = share + z2 / (2 * trials)
    half = Z_95 * (share * (1 - share) / trials + z2 / (4 * trials**2)) ** 0.5
    scale = 1 + z2 / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def auc(ill: Sequence[float], well: Sequence[float]) -> tuple[float, float, float] | None:
    """Area under the ROC curve and its 95 % interval; None if one of the two groups is empty.

    The area is the chance that an ill person scores higher than a well one; a tie counts half. The
    interval is computed by the method of DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.
    """
    if not ill or not well:
        return None
    above = [sum(_beats(score, other) for other in well) / len(well) for score in ill]
    below = [sum(_beats(other, score) for other in ill) / len(ill) for score in well]
    area = sum(above) / len(above)
    spread = sum(variance(part) / len(part) for part in (above, below) if len(part) > 1)
    half = Z_95 * spread**0.5
    return area, max(0.0, area - half), min(1.0, area + half)


def roc(ill: Sequence[float], well: Sequence[float]) -> list[tuple[float, float]]:
    """Points of the ROC curve, (false alarm rate, sensitivity), from the highest threshold down."""
    points = [(0.0, 0.0)]
    for threshold in sorted({*ill, *well}, reverse=True):
        points.append(
            (
                sum(score >= threshold for score in well) / max(len(well), 1),
                sum(score >= threshold for score in ill) / max(len(ill), 1),
            )
        )
    return points


def _beats(score: float, other: float) -> float:
    return (score > other) + 0.5 * (score == other)
