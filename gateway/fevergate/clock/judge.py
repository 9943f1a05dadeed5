"""The gateway's clock: which time to use, whether it is believed, and whether a kiosk's date is
plausible.

A Raspberry Pi has no clock chip: its clock may start from a saved time, jump when network time
comes, or be set wrong by a person. All parts take the time from `GatewayClock`. While the machine's
clock is in doubt, `GatewayClock` uses the last believed time plus the time that has passed since,
if both are known. Every doubt ends: see `WAYS_OUT`.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec import Struct

from fevergate.clock.machine import kernel_synchronised, uptime
from fevergate.clock.votes import KioskVotes
from fevergate.texts.translations import N_

KNOWN_PAST = 1_735_689_600
"""2025-01-01 in Unix time (s), earlier than this program: a clock before it was never set."""

STEP_S = 60.0
"""If the clock moves by this many seconds more or less than the time that passes, it was set."""

BACK_S = 3600.0
"""At the gateway's start, a clock more than this (s) behind the last believed time is in doubt."""

LEAP_S = 30 * 86_400.0
"""At the gateway's start, a clock more than this (s) ahead of the last believed time is in doubt.
"""

AGREED_S = 3 * 3600.0
"""Time for which the kiosks must agree with the clock before it is believed."""

DOUBT_S = 86_400.0
"""After this running time in doubt, summed over all runs of the gateway, the clock is believed."""

ASK_S = 10.0
"""How often the kernel is asked whether its clock is synchronised."""

BASE_S = 3600.0
"""When the clock steps forward, dates given since it was first believed, or since its last step,
are corrected only if that moment is at most this long ago: a clock believed for longer was right.
"""

AHEAD_S = 300.0
"""Largest lead of a kiosk's date over our time; beyond it, the time of arrival is used."""

PAST_S = 400 * 86_400.0
"""Largest age of a kiosk's date: a kiosk can be offline for long and hold 20,000 readings."""

LATE_S = 900.0
"""Delay from which coverage is shown as late."""

Why = Literal[
    "running on", "synchronised", "agreed", "confirmed", "waited", "unset", "back", "ahead"
]
"""Why the clock is believed (the first five) or in doubt. `unset`: before `KNOWN_PAST`; `back`:
behind the last believed time; `ahead`: far ahead of it or past the certificate's end."""

_BELIEVED = ("running on", "synchronised", "agreed", "confirmed", "waited")


class ClockState(Struct, frozen=True, kw_only=True):
    """State of the gateway's clock.

    `at` is the time to use (Unix time, s). `off_s` is the lead of the machine's clock over it (s),
    and `doubted_s` the time that the gateway has run in doubt (s).
    """

    at: float
    believed: bool
    why: Why
    off_s: float = 0.0
    doubted_s: float = 0.0


class Correction(NamedTuple):
    """Dates from `begin` to `end` (Unix time in s, by the wrong clock) must move by `delta` s."""

    begin: float
    end: float
    delta: float


class GatewayClock:
    """The gateway's clock; thread-safe.

    `last` is the newest time that an earlier run believed (Unix time in s; None without one), and
    `doubted_s` the time (s) that the gateway has run in doubt since. `certificate_end` returns the
    end of the certificate that kiosks verify (Unix time, s), or None while that end is unknown.
    """

    def __init__(
        self,
        last: float | None = None,
        *,
        doubted_s: float = 0.0,
        utc: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = uptime,
        synchronised: Callable[[], bool | None] = kernel_synchronised,
        certificate_end: Callable[[], float | None] = lambda: None,
        ahead_s: float = AHEAD_S,
    ) -> None:
        self._utc = utc
        self._monotonic = monotonic
        self._synchronised = synchronised
        self.certificate_end = certificate_end
        self._ahead_s = ahead_s
        self._last = last
        self._doubted_s = doubted_s
        self._lock = threading.RLock()
        self._start = self._since = monotonic()  # uptime when this run and this doubt began
        self._anchor: tuple[float, float] | None = None  # UTC and uptime when last believed
        self._base: tuple[float, float] | None = None  # the same, when first believed or stepped
        self._why: Why = "running on"
        self._in_doubt = False
        self._doubt_began = 0.0  # start of the doubt, by the time that was then used
        self._used = (0.0, 0.0)  # time last used while in doubt (UTC), and the uptime then
        self._asked_at = float("-inf")
        self._synced = False
        self._votes = KioskVotes()
        self._confirmed = False
        self._corrections: list[Correction] = []
        self.state()

    def recall(self, last: float | None, doubted_s: float = 0.0) -> None:
        """Set `last` and `doubted_s` of an earlier run, read from a store that opened late."""
        with self._lock:
            in_doubt = self._in_doubt
            before = self._used[0] + self._monotonic() - self._used[1]
            self._last, self._doubted_s = last, max(self._doubted_s, doubted_s)
            if not in_doubt:
                self._anchor = self._base = None
            self.state()
            delta = self._used[0] - before
            if in_doubt and self._in_doubt and abs(delta) > STEP_S:
                # This corrects dates that this run gave, none of an earlier run.
                self._corrections.append(Correction(self._doubt_began, before, delta))
                self._doubt_began += delta

    def now(self) -> float:
        """Return the time to use (Unix time, s)."""
        return self.state().at

    @property
    def believed(self) -> bool:
        """Whether the machine's clock is believed."""
        return self.state().believed

    @property
    def can_be_sent(self) -> bool:
        """Whether kiosks may get this time. A time past the certificate's end would make them
        refuse the certificate."""
        state = self.state()
        end = self.certificate_end()
        return state.believed and (end is None or state.at < end)

    def state(self) -> ClockState:
        """Judge the clock, and return its state."""
        with self._lock:
            return self._look(self._utc(), self._monotonic())

    def told(self, kiosk: str) -> None:
        """Note that a kiosk got the time from us, so its agreement is no evidence."""
        self._votes.told(kiosk)

    def count_vote(self, kiosk: str, at: float) -> None:
        """Count as a kiosk's vote the date (Unix time, s) in a message that has just arrived."""
        with self._lock:
            self._votes.says(kiosk, self._monotonic(), at - self._utc())

    def confirm(self) -> None:
        """Note that a person has confirmed that the machine's clock is now right."""
        with self._lock:
            self._confirmed = not self.state().believed

    def corrections(self) -> list[Correction]:
        """Return the corrections that are due; each is returned once."""
        with self._lock:
            self.state()
            corrections, self._corrections = self._corrections, []
            return corrections

    def is_plausible(self, at: float | None, received_at: float) -> bool:
        """Whether a kiosk's date `at` is plausible: at most `ahead_s` ahead of the time of arrival
        and at most `PAST_S` older. While our clock is in doubt, the date may lie further ahead: up
        to the certificate's end, or by `PAST_S` if that end is unknown."""
        if at is None or at < received_at - PAST_S:
            return False
        if at <= received_at + self._ahead_s:
            return True
        end = self.certificate_end()
        return not self.believed and at <= (received_at + PAST_S if end is None else end)

    def _look(self, utc: float, mono: float) -> ClockState:
        if not self._in_doubt and self._anchor:
            expected = self._anchor[0] + mono - self._anchor[1]
            if abs(utc - expected) <= STEP_S and utc >= KNOWN_PAST:
                self._anchor = (utc, mono)
                return ClockState(at=utc, believed=True, why=self._why)
            # The clock was set: the kernel's answer and the votes so far are about the old time.
            self._asked_at = float("-inf")
            self._votes.reset()
        why = self._reason(utc, mono)
        if why in _BELIEVED:
            self._believe(utc, mono, why)
            return ClockState(at=utc, believed=True, why=why)
        used = self._instead(utc, mono)
        if not self._in_doubt:
            self._in_doubt, self._since, self._doubt_began = True, mono, used
        self._why, self._used = why, (used, mono)
        doubted_s = self._doubted_s + mono - self._since
        return ClockState(at=used, believed=False, why=why, off_s=utc - used, doubted_s=doubted_s)

    def _believe(self, utc: float, mono: float, why: Why) -> None:
        used, at = self._used
        before = used + mono - at if self._in_doubt else self._instead(utc, mono)
        if self._anchor is None and self._last is not None and why != "running on":
            before = max(before, self._last + mono - self._start)
        delta = utc - before
        if delta < -STEP_S:
            begin = self._doubt_began if self._in_doubt else self._base[0] if self._base else utc
            end = before
            if self._anchor is None:  # an earlier run may have given dates ahead, too
                begin, end = utc, float("inf")
            self._corrections.append(Correction(max(begin, utc + STEP_S), end, delta))
        elif delta > STEP_S and self._in_doubt:
            self._corrections.append(Correction(self._doubt_began, before, delta))
        elif delta > STEP_S and self._base and mono - self._base[1] <= BASE_S:
            self._corrections.append(Correction(self._base[0], before, delta))
        if self._base is None or abs(delta) > STEP_S:
            self._base = (utc, mono)
        self._anchor, self._why = (utc, mono), why
        self._in_doubt = self._confirmed = False
        self._doubted_s = 0.0

    def _instead(self, utc: float, mono: float) -> float:
        """Return the time to use while the machine's clock is in doubt (Unix time, s)."""
        if self._anchor:
            return self._anchor[0] + mono - self._anchor[1]
        gone_s = mono - self._start
        last = self._sane_last()
        end = self.certificate_end()
        if last is None:
            return utc if utc >= KNOWN_PAST else KNOWN_PAST + gone_s
        if utc >= last - BACK_S and (end is None or utc < end):
            return utc  # the clock is ahead after a long pause: nothing better is known
        return last + gone_s

    def _sane_last(self) -> float | None:
        """Return the last believed time, unless it is past the certificate's end."""
        end = self.certificate_end()
        if self._last is None or (end is not None and self._last >= end):
            return None
        return self._last

    def _reason(self, utc: float, mono: float) -> Why:
        if utc < KNOWN_PAST:
            return "unset"
        if self._kernel(mono):
            return "synchronised"
        if self._confirmed:
            return "confirmed"
        if self._votes.agreed_s(mono) >= AGREED_S:
            return "agreed"
        doubted_s = self._doubted_s + (mono - self._since if self._in_doubt else 0.0)
        if doubted_s >= DOUBT_S:
            return "waited"
        end = self.certificate_end()
        if end is not None and utc >= end:
            return "ahead"
        last = self._sane_last()
        if self._anchor:
            ahead_s = utc - (self._anchor[0] + mono - self._anchor[1])
            if abs(ahead_s) <= STEP_S:
                return "running on"
            # The clock was set back, but not behind the time that an earlier run believed.
            if ahead_s < 0 and last is not None and utc >= last - STEP_S:
                return "running on"
            return "ahead" if ahead_s > 0 else "back"
        if last is None:
            return "running on"
        if utc < last - BACK_S:
            return "back"
        return "running on" if utc <= last + LEAP_S else "ahead"

    def _kernel(self, mono: float) -> bool:
        if mono - self._asked_at >= ASK_S:
            self._asked_at, self._synced = mono, bool(self._synchronised())
        return self._synced


WAYS_OUT: dict[Why, str] = {
    "unset": N_("network time ends the doubt; or set the clock: sudo timedatectl set-time"),
    "back": N_(
        "the doubt ends with network time, after three hours in which the kiosks agree, or after a"
        " day; or check the clock, then run fevergate clock --right"
    ),
}
WAYS_OUT["ahead"] = WAYS_OUT["back"]
"""How each doubt ends by itself, and how a person ends it."""
