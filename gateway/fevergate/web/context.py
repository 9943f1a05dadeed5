"""What all pages of a gateway share, such as settings, databases, accounts, live state and a day's
log."""

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlite_utils import Database
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import NothingFoundError, StoreError
from fevergate.gateway.cards import Cards
from fevergate.people.changes import PeopleChanges
from fevergate.people.copying import ListCopy
from fevergate.people.marks import Marks
from fevergate.people.passes import REGISTER as VISITORS
from fevergate.people.passes import Passes
from fevergate.people.presences import CardPresences
from fevergate.people.roll import DayRoll
from fevergate.people.roll_keeper import RollKeeper
from fevergate.people.schema import migrations as people_migrations
from fevergate.people.store import DATABASE, PeopleStore
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Identity
from fevergate.registers.declarations import load_registers
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.reports.fever_log import Day, WholeDay, read_day, read_whole_day
from fevergate.reports.fevers import Fever, identity_of, read_fever
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.presences import passages
from fevergate.storage.retention import last_round
from fevergate.storage.statements import SqliteStatements
from fevergate.texts.translations import Pair, both
from fevergate.web import page_words
from fevergate.web.clock import PagesClock
from fevergate.web.follow_ups import FollowUp, FollowUps
from fevergate.web.kiosk_actions import Updates
from fevergate.web.kiosk_state import KioskHistory, KioskState, read_history, read_kiosks
from fevergate.web.lamps import PATIENCE_S
from fevergate.web.live import Live
from fevergate.web.overview import Overview, read_overview
from fevergate.web.passers import Passers
from fevergate.web.screens import Screens
from fevergate.web.sign_offs import MAX_SIGNED_FEVERS, SignOff, SignOffs
from fevergate.web.trace import Tracer
from fevergate.web_common.accounts import Accounts, Session
from fevergate.web_common.dates import parse_day, period
from fevergate.web_common.middleware import ROLL
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.page_maker import Site
from fevergate.web_common.privacy_page import PrivacySite
from fevergate.web_common.register_words import RegisterSite
from fevergate.web_common.routes import whole_number
from fevergate.web_common.store import WebStore
from fevergate.web_common.tokens import Tokens
from fevergate.web_common.told_cases import OPEN_S, Cases, ConfirmedFever

log = logging.getLogger(__name__)

COUNT_EVERY_S = 10.0
"""Seconds between counts of today's roll for the boards while nobody passes: entries by hand and a
new list change it too."""


class Shared(Site):
    """The shared parts; one instance for the web application of a gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.clock = PagesClock(settings)
        self.store = self.audited = WebStore(settings.path(settings.web.database), self.clock.now)
        self.accounts = Accounts(self.store)
        self.tokens = Tokens(self.store)
        vault = Vault(settings.path(KEY))
        self.people_db = SqliteStatements(
            settings.path(DATABASE), people_migrations, self.clock.now
        )
        self.people = PeopleStore(self.people_db, vault)
        self.marks = Marks(self.people_db, vault, settings.zone)
        self.roll = RollKeeper(self.people_db, settings.zone, settings.campus)
        self._presences = CardPresences(
            self.people_db,
            settings.path(settings.database),
            settings.zone,
            settings.retention.persons_days,
        )
        self.measured_today: DayRoll | None = None
        """Today's figures of the roll, for the boards; None without a list."""
        self._counted_s: float | None = None
        self.follow_ups = FollowUps(self.store, vault, self.clock.now)
        self.passes = Passes(self.people_db, vault)
        self.entries = Entries(self.store, vault, load_registers(settings.folder), self._end_pass)
        self.registers = RegisterSite(
            entries=self.entries,
            zone=settings.zone,
            now=self.clock.now,
            gates=partial(page_words.gates, settings),
            places=partial(page_words.places, settings),
            days=settings.retention.persons_days,
            guards=True,
            passed=self._passed,
        )
        self.tracer = Tracer(
            self.reader,
            self.people,
            self.entries,
            self.store,
            settings.retention.persons_days,
            lambda: self.clock.now(),
        )
        self.privacy = PrivacySite(
            settings.campus_title,
            self.registers,
            settings.retention.raw_days,
            lambda: self.has_list,
        )
        self.sign_offs = SignOffs(self.store, vault, self.clock.now)
        gates = [gate.name for gate in settings.gates]
        self.duty = Duty(self.entries, lambda: gates)
        self.duty.adopt(self.store)
        self.notices = Notices(self.store, settings, lambda _campus, gate: self.duty.present(gate))
        self.cases = Cases(self.notices, settings, self._places)
        self.confirmed_waiting = 0
        """Number of confirmed fevers that nobody has taken."""
        self.screens = Screens(self.store, gates, self.clock.now)
        self.updates = Updates(settings)
        self.cards = Cards(settings, lambda _kiosk, _permit: None, self.clock.now)
        self.passers = Passers(settings, self.cards, self.clock.now)
        self.live = Live(settings, self.clock.now, passers=self.passers)
        super().__init__(
            settings.zone,
            settings.language,
            ["fevergate.web", "fevergate.web_common"],
            partial(page_words.functions, settings),
        )

    def reader(self) -> Database:
        """A read-only connection to the gateway's database, which `with` closes at its end. Raises
        `StoreError`."""
        return open_reader(self.settings.path(self.settings.database))

    @property
    def has_list(self) -> bool:
        """Whether there is a list of people."""
        return self.people.state() is not None

    def close(self) -> None:
        """Close the databases."""
        self.store.close()
        self.people_db.close()

    def close_days(self) -> None:
        """Close the roll of past days if the clock is believed."""
        if self.clock.believed:
            self.roll.close_days(self.settings.retention.persons_days)

    def take_presences(self) -> None:
        """Enter in the roll who was measured at the kiosks, and count today's roll: at once if
        somebody passed, else every `COUNT_EVERY_S`. Raises `StoreError`."""
        passed, now = self._presences.take(), time.monotonic()
        if passed or self._counted_s is None or now - self._counted_s >= COUNT_EVERY_S:
            self.measured_today, self._counted_s = self.roll.day(self.clock.today()), now

    def forget_persons(self) -> int:
        """Delete personal fields, marks of people and names in the audit that are too old; return
        the number of follow-ups and entries that lost fields.

        The age is measured from the gateway's last round of deletions, because the gateway makes
        one only while it believes its clock.
        """
        with self.reader() as reader:
            now = last_round(reader)
        if now is None:
            return 0
        before = now - self.settings.retention.persons_days * DAY_S
        self.roll.forget(datetime.fromtimestamp(before, self.settings.zone).date())
        home = self.settings.keeps_list
        (PeopleChanges if home else ListCopy)(self.people).forget_gone(before)
        self.store.forget_others(before)
        self.cases.forget(before)
        self.passes.forget(before)
        return self.follow_ups.forget(before) + self.entries.forget(before)

    def _end_pass(self, register: str, id_: int) -> None:
        if register == VISITORS:
            self.passes.end(id_)

    def _passed(self, ids: Sequence[int]) -> dict[int, list[float]]:
        """Times (Unix time, s) at which visitors passed a gate with their pass today, by the ids of
        their entries. Empty if the gateway's database cannot be read, so that the register still
        works."""
        try:
            with self.reader() as reader:
                times = passages(reader, [-id_ for id_ in ids], self.registers.day_begin())
        except (StoreError, sqlite3.Error) as error:
            log.warning("visitors who passed: %s", error)
            return {}
        return {-person: at for person, at in times.items()}

    def day(self, text: str | None, most: int, skip: int = 0, most_struck: int = 0) -> Day:
        """A day's log (YYYY-MM-DD, default today) with at most `most` fevers after the first
        `skip`, and the first `most_struck` struck fevers. Raises `PeriodError`, `StoreError`."""
        day = parse_day(text) if text else None
        with self.reader() as reader:
            return read_day(
                reader, self.settings, day, most=most, skip=skip, most_struck=most_struck
            )

    @contextmanager
    def whole_day(self, day: date | None) -> Iterator[WholeDay]:
        """A day's log (default today) with all its fevers, while the context lasts. Raises
        `StoreError`."""
        with self.reader() as reader:
            yield read_whole_day(reader, self.settings, day)

    def signed(self, log: Day) -> list[SignOff]:
        """A day's signatures, compared with its whole log. If `log` has only some of the day's
        fevers, the whole log is read. Raises `StoreError`."""
        if not self.sign_offs.has(log.date):
            return []
        if len(log.fevers) < log.count <= MAX_SIGNED_FEVERS:
            log = self.day(log.date, MAX_SIGNED_FEVERS)
        return self.sign_offs.of(log, self.follow_ups_of(log.fevers))

    def kiosks(self) -> list[KioskState]:
        """The state of every kiosk. Raises `StoreError`."""
        with self.reader() as reader:
            return read_kiosks(reader, self.settings)

    def kiosk(self, name: str) -> KioskHistory:
        """A kiosk and its history of two weeks. Raises `NothingFoundError`, `StoreError`."""
        with self.reader() as reader:
            return read_history(reader, self.settings, name)

    def overview(self, query: Mapping[str, str]) -> Overview:
        """The sums of the period and gate of a query. Raises `PeriodError`, `StoreError`."""
        span = period(self.clock.today(), query)
        with self.reader() as reader:
            return read_overview(reader, self.settings, span, query.get("gate", ""))

    def follow_ups_of(self, fevers: Sequence[Fever]) -> dict[Identity, FollowUp]:
        """The follow-ups of fevers, for those that have one."""
        return self.follow_ups.of([identity_of(fever) for fever in fevers])

    def fever(self, kiosk: str, boot: str, seq: str) -> Fever:
        """A stored fever of any day, by the parts of its address. Raises `NothingFoundError`,
        `StoreError`."""
        identity = Identity(kiosk, whole_number(boot, 10), whole_number(seq, 10))
        with self.reader() as reader:
            fever = read_fever(reader, identity)
        if fever is None:
            raise NothingFoundError(f"fever {identity}")
        return fever

    def red_today(self, alarm: AlarmState | None) -> bool:
        """Whether a gate is red or was acknowledged today, even if no fever could be stored."""
        if not alarm or not (alarm.fevers or alarm.by):
            return False
        at = datetime.fromtimestamp(alarm.since, self.settings.zone)
        return at.date() == self.clock.today()

    def count_waiting(self) -> None:
        """Count the confirmed fevers that nobody has taken. Raises `sqlite3.Error`."""
        self.confirmed_waiting = len(self.cases.waiting())

    def told_first(self, gate: str = "") -> list[str] | None:
        """Names of those who are told at once of a confirmed fever; None if only the campus server
        sends notices."""
        names = self.notices.told_first("confirmed", self.settings.campus, gate)
        return None if self.settings.campus_server and not names else names

    def is_untold(self, follow_up: FollowUp) -> bool:
        """Whether a follow-up saved within the last `OPEN_S` confirms a fever of which nobody is
        told."""
        recent = self.clock.now() - follow_up.at < OPEN_S
        return recent and follow_up.needs_notice and self.told_first() == []

    def places(self, gate: str, kiosk: str) -> tuple[Pair, Pair, Pair]:
        """Titles of the campus, a gate (empty: unknown) and a kiosk."""
        return (
            self.settings.in_both(lambda names: names.campus),
            self.settings.in_both(lambda names: names.gate(gate) if gate else "-"),
            self.settings.in_both(lambda names: names.kiosk(kiosk)),
        )

    def _places(self, fever: ConfirmedFever) -> tuple[Pair, Pair, Pair]:
        places = self.places(fever.gate, fever.kiosk)
        return places if fever.kiosk else (places[0], (fever.unit, fever.unit), both("by hand"))

    def gate_of(self, request: Request) -> str:
        """The gate in an address. Raises `HTTPException` 404 for an unknown one."""
        gate = request.path_params["gate"]
        if all(gate_settings.name != gate for gate_settings in self.settings.gates):
            raise HTTPException(404)
        return gate

    def home(self, session: Session) -> str:
        if session.role == "administrator":
            return "/admin/overview"
        if session.role == "tutor":
            return ROLL
        return f"/board/{self.settings.gates[0].name}"

    def always(self) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "first_gate": self.settings.gates[0].name,
            "today": self.clock.today().isoformat(),
            "clock_believed": self.clock.believed,
            "has_list": self.has_list,
            "patience_s": PATIENCE_S,
            "told_first": self.told_first,
            "is_untold": self.is_untold,
        }
