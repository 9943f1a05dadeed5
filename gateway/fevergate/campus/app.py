"""The campus server as a web application, and the command `fevergate campus` that runs it.

All state is in the database, so several servers may share one PostgreSQL behind a load balancer.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from fevergate.campus.account_store import AccountStore
from fevergate.campus.clock import CampusClock, TrustedClock, confirm_clock
from fevergate.campus.database import CampusDatabase
from fevergate.campus.day_rolls import DayKeeper
from fevergate.campus.escalation import Escalation
from fevergate.campus.fever_search import CampusFeverSearch
from fevergate.campus.mark_routes import MarkRoutes
from fevergate.campus.marks import MarkExchange
from fevergate.campus.pages import CampusPages
from fevergate.campus.people_routes import PeopleRoutes
from fevergate.campus.receiver import Receiver
from fevergate.campus.report_versions import Reports
from fevergate.campus.run_lock import shared_lock
from fevergate.campus.scheduler import Scheduler
from fevergate.campus.settings import CampusSettings, load_campus
from fevergate.campus.summary_store import CampusStore
from fevergate.command_line.options import settings_option
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.notices.channels import channels
from fevergate.people.changes import PeopleChanges
from fevergate.people.list_columns import ListRules
from fevergate.people.marks import Marks
from fevergate.people.roll import Rolls
from fevergate.people.store import PeopleStore
from fevergate.registers.declarations import load_registers
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.texts.translations import N_, side_by_side
from fevergate.web_common import https_server
from fevergate.web_common.account_pages import AccountPages
from fevergate.web_common.case_pages import CasePages
from fevergate.web_common.closing_notice import ClosingNotices
from fevergate.web_common.list_pages import ListSite
from fevergate.web_common.list_upload import list_routes
from fevergate.web_common.middleware import AccessMiddleware
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.notice_sender import Sender
from fevergate.web_common.page_maker import FAILURES
from fevergate.web_common.privacy_page import PrivacyPage, PrivacySite
from fevergate.web_common.register_pages import RegisterPages
from fevergate.web_common.register_words import RegisterSite
from fevergate.web_common.roll_pages import RollPages, RollSite
from fevergate.web_common.roster_pages import RosterPages
from fevergate.web_common.sign_in import SignInPages


class CampusServer:
    """All parts of one server process; `now` is its clock, by default a `CampusClock`.

    Raises `SettingsError`, `CampusError`, `StoreError`.
    """

    def __init__(self, settings: CampusSettings, now: Callable[[], float] | None = None) -> None:
        self.database = CampusDatabase(settings.url)
        self.clock = None if now else CampusClock(self.database, settings)
        judge = self.clock or TrustedClock()
        now = now or judge.now
        people = AccountStore(self.database, now)
        vault = Vault(settings.path(KEY))
        self.store = CampusStore(self.database, settings.zone, vault, now, judge.believed)
        self.reports = Reports(self.database, settings, vault, now, judge.believed)
        self.entries = Entries(people, vault, load_registers(settings.folder))
        self.duty = Duty(self.entries, lambda: list(settings.campuses))
        self.notices = Notices(people, settings, lambda campus, _gate: self.duty.present(campus))
        self.escalation = escalation = Escalation(self.database, settings, self.notices, now)
        sender = Sender(self.notices, channels(settings))
        self.people = PeopleStore(people, vault)
        days = DayKeeper(people, settings)
        closing = ClosingNotices(
            self.notices,
            lambda: self.registers,
            None,
            (settings.title, settings.title_en or settings.title),
        )
        self.clerk = Scheduler(
            *(settings, self.store, self.reports, escalation, sender, judge.tick),
            close_days=days.close,
            tell_open=closing.tick,
            forget=[
                *(self.entries.forget, days.forget, PeopleChanges(self.people).forget_gone),
                *(people.forget_others, escalation.cases.forget),
            ],
        )
        search = CampusFeverSearch(self.database, settings, vault)
        self.pages = CampusPages(*(settings, people, self.store, self.reports, search, now))
        self.accounts = self.pages.accounts
        marks = MarkExchange(self.database, settings, vault, now)
        self.registers = registers = RegisterSite(
            entries=self.entries,
            zone=settings.zone,
            now=now,
            gates=self.pages.campuses,
            places=lambda language: dict(self.pages.places(language)),
            days=settings.persons_days,
            guards=False,
            gate_word=N_("Campus"),
        )
        roll = RollSite(
            people=self.people,
            marks=Marks(people, vault, settings.zone),
            roll=Rolls(people, settings.zone),
            zone=settings.zone,
            now=now,
            name="all",
            title=self.pages.institution,
            days=settings.persons_days,
            campuses=self.pages.listed_campus,
            entered=self.reports.note_change,
            told=escalation.told_first,
        )
        privacy = PrivacySite(
            self.pages.institution, registers, None, lambda: self.people.state() is not None
        )
        rules = ListRules.of(settings, {name: settings.titles(name) for name in settings.campuses})
        people_list = ListSite(self.people, rules, True, self.pages.campuses)
        self.app = Starlette(
            routes=[
                *SignInPages(self.pages).routes,
                *Receiver(settings, self.store, judge.gateway_says, marks).routes,
                *MarkRoutes(settings, marks).routes,
                *PeopleRoutes(settings, self.people).routes,
                *self.pages.routes,
                *RegisterPages(self.pages, registers).routes,
                *RollPages(self.pages, roll).routes,
                *PrivacyPage(self.pages, privacy).routes,
                *list_routes(self.pages, people_list),
                *AccountPages(self.pages, self.people.unknown_units, registers).routes,
                *RosterPages(
                    *(self.pages, self.duty, settings.zone, self.pages.campuses),
                    gate_word=registers.gate_word,
                ).routes,
                *CasePages(self.pages, self.notices, self.escalation.cases).routes,
                Mount("/static", StaticFiles(packages=[("fevergate.web_common", "static")])),
            ],
            middleware=[
                Middleware(
                    AccessMiddleware, accounts=self.accounts, open_below=("/static/", "/v1/")
                )
            ],
            exception_handlers=dict.fromkeys(FAILURES, self.pages.failed)
            | {Exception: self.pages.broken},
            lifespan=self._lifespan,
        )

    def close(self) -> None:
        self.database.close()

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self.clerk.start()
        yield
        await run_in_threadpool(self.clerk.stop)
        self.close()


def serve(settings: CampusSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SettingsError`, `CampusError`, `StoreError`, and
    `ClosingError` while a campus is being closed."""
    certificate, key = settings.path(settings.certificate), settings.path(settings.key)
    https_server.check_certificate(certificate, key)
    with shared_lock(settings.folder):
        server = CampusServer(settings)
        endpoint = (settings.host, settings.port, certificate, key)
        https_server.serve(server.app, server.accounts, "campus server", *endpoint)


@click.command("campus")
@settings_option("campus.toml")
@click.option(
    "--clock-right", is_flag=True, help="Confirm that this machine's clock is right, then end."
)
@click.option(
    "--invite", is_flag=True, help="Print a one-time code for another administrator, then end."
)
def campus_command(settings_path: Path, invite: bool, clock_right: bool) -> None:
    """Run the campus server: collect what the gateways forward, and make the daily report.

    Runs until stopped. First create its certificate, settings and tokens with `fevergate provision
    campus`. At the first start it prints a one-time code; open https://HOST:PORT/first and enter it
    to create the first administrator.

    While the clock is in doubt (years ahead, or in 1970), no report is drafted, signed or deleted.
    The doubt ends with network time, after three hours of gateways that agree, after a day, or with
    --clock-right. With `database = "postgresql://..."` in campus.toml, several servers can run side
    by side.

    \b
      fevergate campus
      fevergate campus --invite
    """
    settings = load_campus(settings_path)
    if clock_right:
        with CampusDatabase(settings.url) as database:
            confirm_clock(database)
        click.echo(side_by_side("the server accepts it within a minute"))
        return
    if invite:
        server = CampusServer(settings)
        click.echo(f"one-time code, at /first: {server.accounts.invite()}")
        server.close()
        return
    serve(settings)
