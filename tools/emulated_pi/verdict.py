"""Counts the results of one check, and judges them."""

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Verdict:
    """The figures that `tools/pi-check` prints as its last line.

    A fever is `dark` if its gate's red line did not go high. A reading is `lost` if the gateway
    said that it was stored and it is not in the database at the end, or if it was repeated until
    the end and never stored. `green_over_dead` counts the times that green was lit while no gateway
    ran. `seconds_to_ready`: the longest time from power-on until the gateway is ready.
    `seconds_to_amber`: the longest from the gateway's end until amber is shown. Both are measured
    on this machine, and many times as long as on a real Pi.
    """

    boots: int = 0
    fevers: int = 0
    red_lines_high: int = 0
    green_over_dead: int = 0
    dark: int = 0
    readings: int = 0
    lost: int = 0
    seconds_to_amber: float = 0.0
    seconds_to_ready: float = 0.0
    problems: list[str] = field(default_factory=list)
    """Messages about all that was wrong; not in the last line."""

    def fever(self, occasion: str, lit: bool) -> None:
        """Count one fever, and whether red was lit for it."""
        self.fevers += 1
        if lit:
            self.red_lines_high += 1
        else:
            self.dark += 1
            self.problems.append(f"{occasion}: the red line did not go high")

    def dead(self, occasion: str, green: bool, seconds: float | None) -> None:
        """Record that the gateway ended once: if green stayed lit, else the seconds until amber."""
        if green:
            self.green_over_dead += 1
            self.problems.append(f"{occasion}: green is lit and no gateway runs")
        elif seconds is not None:
            self.seconds_to_amber = max(self.seconds_to_amber, seconds)

    def ready(self, seconds: float) -> None:
        """Record the seconds from power-on until the gateway was ready."""
        self.seconds_to_ready = max(self.seconds_to_ready, seconds)

    def stored(self, expected: set[int], stored: set[int]) -> None:
        """Compare the kiosk's readings with those in the database at the end."""
        missing = expected - stored
        self.readings, self.lost = len(expected), len(missing)
        if missing:
            self.problems.append(f"lost readings: {sorted(missing)[:20]}")

    @property
    def good(self) -> bool:
        """Whether nothing was wrong, so that the exit code is 0."""
        return not (self.dark or self.lost or self.green_over_dead or self.problems)

    def line(self) -> str:
        """The last line, as JSON."""
        figures = asdict(self)
        del figures["problems"]
        for name in ("seconds_to_amber", "seconds_to_ready"):
            figures[name] = round(figures[name], 1)
        return json.dumps(figures)
