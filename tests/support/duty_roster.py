"""A gateway's duty list with a clock that tests set, and times of a day."""

from datetime import datetime

from notice_helpers import Clock

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.registers.declarations import shipped
from fevergate.registers.duty import Duty, OnDuty
from fevergate.registers.entries import Entries
from fevergate.web_common.store import WebStore

GATES = ["north", "south"]
H = 3600.0


def local(text: str) -> float:
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


DAY, EVENING, NIGHT = (local(f"2026-11-26 {clock}") for clock in ("08:00", "19:50", "20:00"))
MORNING = local("2026-11-27 08:00")


class Roster:
    """A gateway's duty list, with a clock that tests set."""

    def __init__(self, folder) -> None:
        self.clock = Clock(DAY)
        self.store = WebStore(folder / "web.db", self.clock)
        self.entries = Entries(self.store, Vault(folder / KEY), shipped())
        self.duty = Duty(self.entries, lambda: GATES)

    def of_a_day(self) -> None:
        self.duty.add("Chen", "north", DAY, NIGHT)
        self.duty.add("Zhou", "north", NIGHT, MORNING)


def plan(*shifts):
    return [OnDuty(name=name, gate="north", begin=b, end=e) for name, b, e in shifts]
