"""What another threshold would mean at a kiosk: alarms per day, and the share of fevers that it
would find.

Alarms: people at this kiosk in the last two weeks whose reading was that high. A second scan clears
some of them (`fevergate log --rescreen` decides each scan again). The share of fevers found comes
from measured people (`evaluation.detection_shares`).
"""

from msgspec import Struct
from sqlite_utils import Database

from fevergate.evaluation.detection_shares import (
    DETECTION_SHARES,
    FEVER_FROM_C,
    MILD_FROM_C,
    THRESHOLDS_C,
)
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.schema import struck
from fevergate.texts.translations import Say
from fevergate.web.charts import BarChart, bar_chart
from fevergate.web.kiosk_state import HISTORY_DAYS
from kiosk.estimate import SITES

MIN_PEOPLE = 100
"""With fewer people, a kiosk's number of alarms per day says too little."""


class ThresholdCost(Struct, frozen=True, kw_only=True):
    """A threshold (°C, as set). `alarms`: per day; `found_mild` and `found`: share that it finds of
    people with at least 37.5 °C and 38.0 °C in the mouth. `now`: whether it is in force."""

    threshold_c: float
    alarms: float
    found_mild: float
    found: float
    now: bool


def read_costs(database: Database, kiosk: str, site: str, now: float) -> list[ThresholdCost]:
    """The cost of each threshold by the two weeks up to `now` (Unix time, s); empty with fewer than
    `MIN_PEOPLE`."""
    if site not in DETECTION_SHARES:
        return []
    since = now - HISTORY_DAYS * DAY_S
    bins = list(database.execute(_SHOWN, (kiosk, since, now)))
    days = len({hour // DAY_S for hour, _, _ in bins})
    if sum(people for _, _, people in bins) < MIN_PEOPLE:
        return []
    margin_c = SITES[site].margin_c
    (last_c,) = database.execute(_LAST, (kiosk,)).fetchone() or (None,)
    in_force_c = None if last_c is None else round(last_c + margin_c, 2)
    return [
        ThresholdCost(
            threshold_c=threshold_c,
            alarms=round(_at_least(bins, threshold_c - margin_c) / days, 1),
            found_mild=DETECTION_SHARES[site][MILD_FROM_C][number],
            found=DETECTION_SHARES[site][FEVER_FROM_C][number],
            now=in_force_c == threshold_c,
        )
        for number, threshold_c in enumerate(THRESHOLDS_C)
    ]


_SHOWN = f"""
    select hour, tenth, shown from temperatures t
    where kiosk = ? and hour >= ? and hour < ? and shown > 0 and not {struck("t")}"""  # noqa: S608

_LAST = """
    select threshold_c from readings where kiosk = ? and threshold_c is not null
    order by boot desc, seq desc limit 1"""


def _at_least(bins: list[tuple[int, int, int]], from_c: float) -> float:
    """Number of people at or above a temperature (°C); each bin is a tenth wide and taken as evenly
    filled."""
    return sum(people * min(1.0, max(0.0, tenth + 0.5 - 10 * from_c)) for _, tenth, people in bins)


def chart(costs: list[ThresholdCost], say: Say) -> BarChart:
    """A chart with a bar for each threshold: its alarms per day and, above the bar, how many of 100
    mild fevers it finds."""
    drawn = bar_chart(
        [
            (
                f"{cost.threshold_c:.1f}",
                say(
                    "{threshold:.1f} °C: {alarms:.1f} alarms a day; found are {mild:.0%} of fevers"
                    " from 37.5 °C in the mouth, {found:.0%} of those from 38.0 °C",
                    threshold=cost.threshold_c,
                    alarms=cost.alarms,
                    mild=cost.found_mild,
                    found=cost.found,
                ),
                [("normal", round(cost.alarms))],
            )
            for cost in costs
        ],
        labels=max(1, len(costs)),
    )
    marked = [
        bar._replace(mark="●" * cost.now + f"{100 * cost.found_mild:.0f}")
        for bar, cost in zip(drawn.bars, costs, strict=True)
    ]
    return drawn._replace(bars=marked)
