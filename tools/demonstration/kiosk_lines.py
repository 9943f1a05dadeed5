"""Cuts the connections of kiosks: amber comes when the broker misses a kiosk's pings.

A lamp post notices by itself, within 5 s, that it hears no beat; that a kiosk is gone only the
broker notices. It gives up one and a half keep-alives (`mqtt_link.py`: 30 s) after the kiosk's last
packet, and publishes the kiosk's last will. Then the gateway is amber at once.
"""

import time
from collections.abc import Callable
from functools import partial

from harness.door_site import Door, DoorSite
from harness.errors import HarnessError

MOST_S = 60.0
"""Longest time to amber: the broker waits 45 s, and looks only now and then."""

Cut = tuple[DoorSite, Door]
Wait = Callable[[Callable[[], bool], str, DoorSite], None]


def kiosk_cuts(sites: list[DoorSite]) -> list[list[Cut]]:
    """One door of each kind whose kiosk runs the firmware, in rounds. Doors that share lamps are in
    different rounds, since one could not tell whose amber it is."""
    rounds: list[list[Cut]] = []
    for kind in ("pins", "post", "none"):
        doors = [
            (site, door)
            for site in sites
            for door in site.doors
            if door.kind == kind and door.name in site.boards
        ]
        for played in rounds:
            lamps = [_lamps(*cut) for cut in played]
            if free := [cut for cut in doors if _lamps(*cut) not in lamps]:
                played.append(free[0])
                break
        else:
            rounds += [doors[:1]] if doors else []
    return rounds


def cut(doors: list[Cut], wait: Wait) -> tuple[list[float], str]:
    """Cut the connections of these doors' kiosks, and restore them. Returns the times to amber (s,
    by this machine's clock), and what was wrong, or ""."""
    _wait_calm(doors, wait)
    times_s: list[float] = []
    waiting, wrong, cut_at = list(doors), "", time.monotonic()
    for site, door in doors:
        site.boards[door.name].wifi(False)

    def shown() -> bool:
        for cut in [cut for cut in waiting if _amber(*cut)]:
            waiting.remove(cut)
            times_s.append(time.monotonic() - cut_at)
        return not waiting

    try:
        wait(shown, "amber of each cut kiosk line", doors[0][0])
    except HarnessError as error:
        wrong = f"{', '.join(door.name for _, door in waiting)}: {error}"
    for site, door in doors:
        site.boards[door.name].wifi(True)
    _wait_calm(doors, wait)
    return times_s, wrong


def _wait_calm(doors: list[Cut], wait: Wait) -> None:
    for site, door in doors:
        wait(partial(_is_calm, site, door), f"{door.name}: no amber", site)


def _lamps(site: DoorSite, door: Door) -> tuple[str, str]:
    return site.campus, door.watched_by or door.name


def _amber(site: DoorSite, door: Door) -> bool:
    return (door.watched_by or door.name) in site.lit("amber")


def _is_calm(site: DoorSite, door: Door) -> bool:
    return not _amber(site, door)
