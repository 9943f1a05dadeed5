"""Faults of a sensor on the bus; each lasts for a number of transactions, for some time, or until
it is removed."""

import enum


class Fault(enum.Enum):
    """Behaviour of a faulty sensor. Faults are counted in transactions, `STUCK_BUS` in clock
    pulses."""

    NAK = "does not acknowledge its address"
    WRONG_PEC = "sends a wrong checksum"
    STUCK_BUS = "holds SDA low until it is clocked free"
    HANGS = "lets go of the wires at rest, and holds one as soon as it is addressed"
    ALL_ONES = "sends 0xFF only, as a bus does that nobody drives"
    OUT_OF_RANGE = "sends temperatures below what the part measures"
    ERROR_BIT = "sets bit 15 of the object temperature"
    FROZEN = "goes on with the values of the moment when it froze"


class _Active:
    def __init__(self, count: int | None, duration_ms: float | None) -> None:
        self.count = count
        self.duration_ms = duration_ms
        self.until_ms: float | None = None


class Faults:
    """The active faults; a fault's duration begins when the fault is first checked."""

    def __init__(self) -> None:
        self._active: dict[Fault, _Active] = {}

    def add(self, fault: Fault, count: int | None = None, duration_ms: float | None = None) -> None:
        """Begin a fault; without count and duration it lasts until removed."""
        self._active[fault] = _Active(count, duration_ms)

    def remove(self, fault: Fault | None = None) -> None:
        """End one fault, or all."""
        if fault is None:
            self._active.clear()
        else:
            self._active.pop(fault, None)

    def holds(self, fault: Fault, now_ms: float) -> bool:
        """Whether a fault is active at a time (simulated ms)."""
        active = self._active.get(fault)
        if active is None:
            return False
        if active.duration_ms is not None:
            if active.until_ms is None:
                active.until_ms = now_ms + active.duration_ms
            if now_ms >= active.until_ms:
                self.remove(fault)
                return False
        return True

    def spend(self, fault: Fault, now_ms: float) -> bool:
        """Whether a fault is active; if so, its count is reduced by one."""
        if not self.holds(fault, now_ms):
            return False
        active = self._active[fault]
        if active.count is not None:
            active.count -= 1
            if active.count <= 0:
                self.remove(fault)
        return True
