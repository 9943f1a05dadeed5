"""A gateway, its kiosk and the campus server in one process, run over simulated days.

Tests set the clock of the gateway's machine, whether network time reaches it, and the kiosk's
clock. `day` lets people come; the tests compare the campus server's figures with who really came.
"""

import hashlib
from concurrent.futures import Future
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from campus_site import Parts, local
from samples import settings as gateway_settings
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.backup.gateway import at_end_of_epoch
from fevergate.campus import schema
from fevergate.campus.receiver import Receiver
from fevergate.clock.judge import GatewayClock
from fevergate.forwarding.forwarder import _due, _forget, _postpone
from fevergate.forwarding.http_sender import Item
from fevergate.gateway.ingest import Ingest
from fevergate.gateway.kiosk_time import KioskClocks
from fevergate.protocol.messages import Health, Reading, Verdict, encode
from fevergate.storage import clock_memory, epochs
from fevergate.storage.outbox import materialise
from fevergate.storage.recovery import Salvage
from fevergate.storage.store import Store, raised_fevers, waiting_fevers

STEP_S = 1800.0
TOKEN = "a token"
DAY_S = 86_400.0


class Lamps:
    def show(self, *, red, amber):
        pass

    def buzz(self, on):
        pass


class World:
    """The simulated site. `now` is the true time (UTC s). `off_s`: seconds by which the clock of
    the gateway's machine is ahead of `now`; `kiosk_off_s`: the same for the kiosk's clock, None
    while it is not set; `sntp`: the kiosk gets the true time from a time server itself."""

    def __init__(self, folder, begin):
        self.folder = folder
        self.now = local(begin)
        self.off_s = 0.0
        self.synchronised = False
        self.sntp = False
        self.kiosk_off_s: float | None = None
        self.seq = 0
        self.boot = 1
        self.people: dict[str, int] = {}
        self.fevers: dict[str, int] = {}
        self.campus = Parts(folder)
        self.campus.now.at = self.now
        receiver = Receiver(self.campus.settings, self.campus.store)
        self.http = TestClient(Starlette(routes=receiver.routes)).__enter__()
        self.settings = gateway_settings()
        self.give_token(TOKEN)
        self.cards = 0
        self.backups = 0
        self.runs = 0
        self.reachable = True
        """Whether the gateway reaches the campus server."""
        self.deaf = False
        """Whether the campus server's answers are lost."""
        self.store: Store | None = None
        self.ends = self.now + 500 * DAY_S

    def close(self):
        self.stop()
        self.http.__exit__()
        self.campus.close()

    def give_token(self, token):
        """Give the gateway a token; the campus server knows no other."""
        self.token = token
        digest = hashlib.sha256(token.encode()).hexdigest()
        self.campus.settings.tokens["gw-east"] = digest

    def new_card(self):
        """Replace the gateway's memory card by an empty one."""
        self.stop()
        self.cards += 1
        self.start()

    def back_up(self):
        """Copy the database while the gateway runs, as `fevergate backup` does."""
        self.backups += 1
        folder = self.folder / f"backup-{self.backups}"
        folder.mkdir()
        return at_end_of_epoch(self.path, folder / "database.sqlite")

    def restore(self, backup):
        """Replace the memory card by one with the database of a backup, as `fevergate restore`
        does."""
        self.stop()
        self.cards += 1
        self.path.write_bytes(backup.read_bytes())
        self.start()

    def salvage(self, aside):
        """Copy what can be read of a damaged database into the present one."""

        def submit(work):
            future = Future()
            future.set_result(work(self.store))
            return future

        Salvage(aside, submit, lambda _: None).run()

    @property
    def path(self):
        return self.folder / f"card-{self.cards}.db"

    def stop(self):
        if self.store:
            self.store.close()
        self.store = None

    def start(self):
        self.store = Store(self.path)
        self.runs += 1
        self.up_s = 0.0
        self.clock = GatewayClock(
            utc=lambda: self.now + self.off_s,
            monotonic=lambda: self.up_s,
            synchronised=lambda: self.synchronised,
            certificate_end=lambda: self.ends,
        )
        self.clock.recall(*clock_memory.recall(self.store.db))
        self.alarm = Alarm({"north": Lamps(), "south": Lamps()}, lambda _: None, self.clock.now)
        self.alarm.restore(waiting_fevers(self.store.db), raised_fevers(self.store.db))
        clocks = KioskClocks(self._tell, self.clock, monotonic=lambda: self.up_s)
        self.ingest = Ingest(
            self.settings,
            self.alarm,
            KioskMonitor(self.settings, self.alarm.trouble),
            self._keep,
            clocks.health,
            self.clock,
        )
        self.tick()

    def _keep(self, record, done):
        assert self.store
        self.store.commit([record])
        done()

    def _tell(self, kiosk, at):
        if not self.sntp:
            self.kiosk_off_s = at.at_ms / 1000 - self.now

    @property
    def kiosk_at(self):
        if self.sntp:
            self.kiosk_off_s = 0.0
        return None if self.kiosk_off_s is None else int(self.now + self.kiosk_off_s)

    def say(self, kind, message):
        topic = f"fevergate/v1/east/north-1/{kind}"
        self.ingest.message(topic, encode(message), lambda: None)

    def person(self, *, fever=False):
        """Let one person come. The person counts for the true day, whatever the clocks show."""
        self.seq += 1
        day = clock_date(self.now)
        self.people[day] = self.people.get(day, 0) + 1
        self.fevers[day] = self.fevers.get(day, 0) + fever
        self.last = Reading(
            kiosk="north-1",
            boot=self.boot,
            seq=self.seq,
            at=self.kiosk_at,
            up_ms=int(self.now * 1000) % 10**9,
            verdict=Verdict.FEVER if fever else Verdict.NORMAL,
            body_c=38.4 if fever else 36.5,
            skin_c=36.0,
        )
        self.say("reading", self.last)

    def step(self, *, people=1, fever=False):
        """Let half an hour go by, at whose end `people` come; with `fever`, the first has one."""
        self.now += STEP_S
        self.up_s += STEP_S
        self.campus.now.at = self.now
        self.say(
            "health",
            Health(
                kiosk="north-1",
                boot=self.boot,
                at=self.kiosk_at,
                up_ms=int(self.now * 1000) % 10**9,
                state="ok",
                watched_s=STEP_S,
            ),
        )
        for number in range(people):
            self.person(fever=fever and number == 0)
        self.tick()

    def tick(self):
        assert self.store
        state = self.clock.state()
        for correction in self.clock.corrections():
            clock_memory.correct(self.store, correction, state.at)
        if clock_memory.remember(self.store, state):
            self.clock.confirm()
        self.forward()

    def forward(self):
        assert self.store
        state = self.clock.state()
        epochs.note_token(self.store, self.token, state.at)
        while materialise(self.store, self.settings, state.at, believed=state.believed):
            pass
        while self.reachable and (due := _due(self.store, state.at)):
            self._send(due)
            if self.deaf:
                return

    def _send(self, items: list[Item]):
        assert self.store
        answer = self._post(items)
        if self.deaf:
            return
        if answer.status_code == 200:
            held_keys = set(answer.json()["held"])
            _forget(self.store, [item for item in items if item.key in held_keys])
        elif len(items) > 1:
            for item in items:
                self._send([item])
        else:
            _postpone(self.store, [(items[0], answer.text)], self.clock.now() + 3600)

    def _post(self, items):
        assert self.store
        delivery = {
            "v": 1,
            "campus": "east",
            "gateway": "gw-east",
            "sent_at": self.clock.now(),
            "epoch": items[0].epoch or epochs.epoch_of(self.store.db),
            "corrected_by": items[0].corrected_by.split(),
            "present": epochs.epoch_of(self.store.db),
            "items": [msgspec.Raw(item.payload.encode()) for item in items],
        }
        return self.http.post(
            "/v1/summaries",
            content=msgspec.json.encode(delivery),
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def day(self, begin="07:00", end="17:00", people=1, fever_at=None):
        """Let the rest of a day from `begin` to `end` go by, with somebody each half hour."""
        today = clock_date(self.now)
        self.skip(f"{today} {begin}")
        until = local(f"{today} {end}")
        while self.now + STEP_S <= until:
            fever = fever_at is not None and self.now < local(f"{today} {fever_at}") <= (
                self.now + STEP_S
            )
            self.step(people=people, fever=fever)

    def skip(self, text):
        """Let time go by until `text` (local time) without people. A stopped gateway stays
        stopped."""
        until = local(text)
        if self.store is None:
            self.now = self.campus.now.at = max(self.now, until)
        while self.now + STEP_S <= until:
            self.step(people=0)

    def night(self, begin="07:00"):
        """Switch the gateway off until `begin` on the next day; the kiosk loses its power, too."""
        self.stop()
        self.now = self.campus.now.at = local(f"{clock_date(self.now + DAY_S)} {begin}")
        self.boot += 1
        self.seq = 0
        self.kiosk_off_s = None
        self.start()

    def figures(self, day):
        """(state, people, fevers) of a day at the campus."""
        east = self.campus.campus("east", day)
        figures = east.figures
        return (
            east.state,
            figures.screened if figures else None,
            figures.fevers if figures else None,
        )

    def totals(self):
        """(people, fevers) of all days at the campus."""
        with self.campus.database.read() as connection:
            days = connection.execute(select(schema.items.c.date).distinct()).scalars().all()
        figures = [self.figures(day) for day in days if day]
        return sum(people or 0 for _, people, _ in figures), sum(ill or 0 for *_, ill in figures)

    def true(self, day):
        return "reported", self.people.get(day, 0), self.fevers.get(day, 0)


def clock_date(at):
    """The date on the campus, as ISO text, at `at` (UTC s)."""
    return datetime.fromtimestamp(at, ZoneInfo("Asia/Shanghai")).date().isoformat()
