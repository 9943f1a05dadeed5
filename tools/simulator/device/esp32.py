"""The part of a board's `esp32` module that FeverGate uses: free memory of ESP-IDF.

The figures are constant, as of a board before Wi-Fi starts; only a real board shows how they change
in use.
"""

HEAP_DATA = 4  # MALLOC_CAP_8BIT

_INTERNAL = (  # from MicroPython's documentation of `idf_heap_info`
    (7288, 0, 0, 0),
    (16648, 4, 4, 4),
    (79912, 35712, 35512, 35108),
    (15072, 15036, 15036, 15036),
    (113840, 0, 0, 0),
)
_PYTHON_HEAP = 65536  # Python's heap at its start, in PSRAM

_psram_bytes = 0


def _start(psram_bytes):
    """Set the board's PSRAM."""
    global _psram_bytes
    _psram_bytes = psram_bytes


def idf_heap_info(capabilities):
    """(total, free, largest free block, least free ever), bytes, of each matching region."""
    regions = list(_INTERNAL)
    if _psram_bytes and capabilities == HEAP_DATA:
        free = _psram_bytes - _PYTHON_HEAP
        regions.append((_psram_bytes, free, free, free))
    return regions
