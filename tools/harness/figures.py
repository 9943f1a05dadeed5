"""Prints a trial's progress and its figures."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Any


def progress(text: str) -> None:
    """Show a trial's progress, only on a terminal; the next text replaces the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text} ...", end="", file=sys.stderr, flush=True)


def show(figures: Mapping[str, Any], as_json: bool) -> None:
    """Print figures: as one JSON line, or each on a line of its own."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps(figures), flush=True)
        return
    for line in _lines(figures):
        print(line)


def _lines(figures: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from _lines(value, indent + "  ")
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = f"{value:>12,.3f}".rstrip("0").rstrip(".")
        yield f"{indent}{key:<24} {value}"


def percentile(values: Sequence[float], percent: int, digits: int = 1) -> float:
    """A percentile, interpolated and rounded; a single value is its own percentile."""
    cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99
    return round(cuts[percent - 1], digits)


def median_ms(call: Callable[[], object], samples: int) -> float:
    """Median time (ms) of `samples` calls."""
    times = []
    for _ in range(samples):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)
