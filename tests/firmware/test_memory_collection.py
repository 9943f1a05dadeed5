"""When a kiosk's memory is collected: between people, on purpose, and often enough."""

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.on_demand import give_back


class Heap:
    """A heap that the test fills; `collected` lists the bytes allocated at each collection."""

    def __init__(self, live):
        self.live = self.alloc = live
        self.collected = []

    def collect(self):
        self.collected.append(self.alloc)
        self.alloc = self.live


@pytest.fixture(scope="module")
def health_report():
    """The firmware's module, on a board whose heap is a `Heap`."""
    machine = SimpleNamespace(RTC=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "machine", machine)
        import kiosk.health_report as module

        yield module
        give_back("clock", "health_report", "messages")


def board_with(health_report, heap, patch):
    """A kiosk's `Memory` on this heap."""
    patch.setattr(
        health_report,
        "gc",
        SimpleNamespace(
            collect=heap.collect,
            mem_alloc=lambda: heap.alloc,
            mem_free=lambda: (1 << 20) - heap.alloc,
            threshold=lambda size: None,
        ),
    )
    ticks = SimpleNamespace(ticks_ms=lambda: 0, ticks_diff=lambda a, b: a - b)
    patch.setattr(health_report, "time", ticks)
    return health_report.Memory("power on")


@given(st.lists(st.integers(0, 3000), min_size=20, max_size=200))
def test_with_nobody_there_uncollected_memory_stays_below_its_bound(health_report, allocations):
    heap = Heap(110_000)
    with pytest.MonkeyPatch.context() as patch:
        board = board_with(health_report, heap, patch)
        board.collect()
        for size in allocations:
            heap.alloc += size
            board.idle()
            most = health_report._ENOUGH + health_report._LOOK_EVERY * 3000
            assert heap.alloc - heap.live < most < health_report._AUTOMATIC
    for alloc in heap.collected[1:]:
        assert alloc - heap.live >= health_report._ENOUGH  # never without need


def test_the_least_memory_that_was_ever_free_is_remembered(health_report, monkeypatch):
    heap = Heap(100_000)
    board = board_with(health_report, heap, monkeypatch)
    for live in (100_000, 130_000, 90_000):
        heap.live = heap.alloc = live
        board.collect()
    assert board.free == (1 << 20) - 90_000
    assert board.low == (1 << 20) - 130_000


def test_line_memory_counts_only_the_internal_heap(health_report, monkeypatch):
    regions = [(180_000, 90_000, 60_000, 40_000), (2 << 20, 1 << 20, 1 << 20, 1 << 20)]
    esp32 = SimpleNamespace(HEAP_DATA=4, idf_heap_info=lambda kind: regions)
    monkeypatch.setitem(sys.modules, "esp32", esp32)
    assert health_report.internal_memory() == (90_000, 40_000)
    monkeypatch.setitem(sys.modules, "esp32", None)
    assert health_report.internal_memory() is None
