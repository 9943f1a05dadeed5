"""The board's `esp32` module, as far as FeverGate asks it: what memory ESP-IDF has left.

Figures are those of a board with PSRAM before Wi-Fi starts, and do not move: what they become at
work only a board shows.
"""

HEAP_DATA = 4  # MALLOC_CAP_8BIT
HEAP_EXEC = 1  # MALLOC_CAP_EXEC

_INTERNAL = (  # of MicroPython's documentation of `idf_heap_info`
    (7288, 0, 0, 0),
    (16648, 4, 4, 4),
    (79912, 35712, 35512, 35108),
    (15072, 15036, 15036, 15036),
    (113840, 0, 0, 0),
)
_PYTHON_HEAP = 65536  # of Python at its start, out of the PSRAM

_psram_bytes = 0


def _start(psram_bytes):
    """Tell the module what the board has."""
    global _psram_bytes
    _psram_bytes = psram_bytes


def idf_heap_info(capabilities):
    """(total, free, largest free, least free ever), bytes, of each region that fits."""
    found = list(_INTERNAL)
    if _psram_bytes and capabilities == HEAP_DATA:
        free = _psram_bytes - _PYTHON_HEAP
        found.append((_psram_bytes, free, free, free))
    return found
