"""The EEPROM of an MLX90614: 32 cells, 5 ms per write; a cell must be erased before a write."""

from simulator.errors import NotAcknowledgedError

WRITE_MS = 5
EMISSIVITY = 0x04
CONFIG1 = 0x05
ADDRESS = 0x0E
ID = 0x1C
# Cells that the data sheet calls writable; writes to the others are acknowledged and ignored.
_WRITABLE = frozenset((0x00, 0x01, 0x02, 0x03, EMISSIVITY, CONFIG1, ADDRESS, 0x0F, 0x19))
_UNIT = (0x2A11, 0x5C42, 0x0F90, 0x3D07)


class Eeprom:
    """Cells of 16 bits; those that no argument sets have their factory values."""

    def __init__(self, config1: int, emissivity: int, address: int) -> None:
        self.cells = [0] * 32
        self.cells[0x00] = 0x9993
        self.cells[0x01] = 0x62E3
        self.cells[0x02] = 0x0201
        self.cells[0x03] = 0xF71C
        self.cells[EMISSIVITY] = emissivity
        self.cells[CONFIG1] = config1
        self.cells[ADDRESS] = 0xBE00 | address
        self.cells[ID : ID + 4] = _UNIT
        self._busy_until_ms = 0.0

    @property
    def number(self) -> str:
        """The part's 64-bit ID in hex."""
        return "".join(f"{word:04x}" for word in self.cells[ID : ID + 4])

    def busy(self, now_ms: float) -> bool:
        """Whether an erase or write is in progress (5 ms each)."""
        return now_ms < self._busy_until_ms

    def read(self, cell: int, now_ms: float) -> int:
        """Read a cell. Raises `NotAcknowledgedError` while busy."""
        if self.busy(now_ms):
            raise NotAcknowledgedError("EEPROM is busy")
        return self.cells[cell]

    def write(self, cell: int, value: int, now_ms: float) -> bool:
        """Erase (0x0000) or write a cell; returns whether the cell is writable.

        An erased cell holds zeros and a write only sets bits, so a cell that was not erased ends
        with the bits of both values. Raises `NotAcknowledgedError` while busy.
        """
        if self.busy(now_ms):
            raise NotAcknowledgedError("EEPROM is busy")
        if cell not in _WRITABLE:
            return False
        self.cells[cell] = 0 if value == 0 else self.cells[cell] | value
        self._busy_until_ms = now_ms + WRITE_MS
        return True
