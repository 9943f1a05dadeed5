"""`fevergate web`: builds the web application and serves it."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from fevergate.command_line.options import settings_option
from fevergate.errors import StoreError
from fevergate.people.list_columns import ListRules
from fevergate.settings import last_good
from fevergate.settings.gateway import GatewaySettings
from fevergate.system.periodic_thread import PeriodicThread
from fevergate.web.api import Api
from fevergate.web.board import Board
from fevergate.web.context import Shared
from fevergate.web.device_pages import DevicePages
from fevergate.web.duty_pages import DutyPages
from fevergate.web.fever_pages import FeverPages
from fevergate.web.follow_up_forwarder import FollowUpForwarder
from fevergate.web.follow_up_page import FollowUpPage
from fevergate.web.hand_over import HandOverPages
from fevergate.web.kiosk_pages import KioskPages
from fevergate.web.kiosk_settings_pages import KioskSettingsPages
from fevergate.web.log_pages import LogPages
from fevergate.web.mark_forwarder import MarkForwarder
from fevergate.web.notice_thread import NoticeThread
from fevergate.web.overview_pages import OverviewPages
from fevergate.web.pass_pages import PassPages
from fevergate.web.passer_pages import PasserPages
from fevergate.web.people_copier import PeopleCopier
from fevergate.web.screen_pages import BELOW, ScreenPages
from fevergate.web.trace_pages import TracePages
from fevergate.web_common import https_server
from fevergate.web_common.accounts import Accounts
from fevergate.web_common.case_pages import CasePages
from fevergate.web_common.list_pages import ListSite
from fevergate.web_common.list_upload import list_routes
from fevergate.web_common.middleware import AccessMiddleware
from fevergate.web_common.page_maker import FAILURES
from fevergate.web_common.privacy_page import PrivacyPage
from fevergate.web_common.register_pages import RegisterPages
from fevergate.web_common.roll_pages import RollPages, RollSite
from fevergate.web_common.roster_pages import RosterPages
from fevergate.web_common.sign_in import SignInPages
from fevergate.web_common.store import WebStore
from kiosk.setup_code import FOLDER

log = logging.getLogger(__name__)

STATIC: list[str | tuple[str, str]] = [
    ("fevergate.web", "static"),
    ("fevergate.web_common", "static"),
]
FORGET_EVERY_S = 3600
"""Seconds between checks of the age of personal fields."""

PRESENCES_EVERY_S = 2.0
"""Seconds between reads of who was measured at the kiosks."""

CLOSE_EVERY_S = 60
"""Seconds between checks whether a day is over, so that its roll is closed."""


class Pages(Shared):
    """The web application of one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        super().__init__(settings)
        self.app = Starlette(
            routes=[
                *SignInPages(self).routes,
                *Board(self).routes,
                *FollowUpPage(self).routes,
                *OverviewPages(self).routes,
                *LogPages(self).routes,
                *RollPages(self, self._roll_site()).routes,
                *list_routes(self, _list_site(self)),
                *FeverPages(self).routes,
                *TracePages(self).routes,
                *KioskPages(self).routes,
                *KioskSettingsPages(self).routes,
                *DevicePages(self).routes,
                *DutyPages(self).routes,
                *HandOverPages(self).routes,
                *RosterPages(self, self.duty, settings.zone, self.registers.gates).routes,
                *ScreenPages(self).routes,
                *CasePages(self, self.notices, self.cases, self.count_waiting).routes,
                *(registers := RegisterPages(self, self.registers)).routes,
                *PassPages(self, registers).routes,
                *PasserPages(self).routes,
                *PrivacyPage(self, self.privacy).routes,
                *Api(self).routes,
                Mount("/static", StaticFiles(packages=STATIC)),
            ],
            middleware=[
                Middleware(
                    AccessMiddleware,
                    accounts=self.accounts,
                    tokens=self.tokens,
                    open_below=("/static/", FOLDER, BELOW),
                )
            ],
            exception_handlers=dict.fromkeys(FAILURES, self.failed) | {Exception: self.broken},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        threads: list[PeriodicThread] = [
            self.cards,
            PeriodicThread("forget", FORGET_EVERY_S, self._forget, first_s=FORGET_EVERY_S),
            PeriodicThread("presences", PRESENCES_EVERY_S, self.take_presences),
            PeriodicThread("roll", CLOSE_EVERY_S, self.close_days),
        ]
        if self.settings.campus_server:
            threads.append(FollowUpForwarder(self.settings, self.follow_ups))
            if not self.settings.keeps_list:
                threads.append(PeopleCopier(self.settings, self.people))
            threads.append(MarkForwarder(self.settings, self.people, self.clock.now))
        if self.settings.contacts:
            threads.append(NoticeThread(self))
        self.live.start()
        for thread in threads:
            thread.start()
        yield
        for part in (self.live, *threads):
            await run_in_threadpool(part.stop)
        self.close()

    def _roll_site(self) -> RollSite:
        return RollSite(
            people=self.people,
            marks=self.marks,
            roll=self.roll,
            zone=self.settings.zone,
            now=self.clock.now,
            name=self.settings.campus,
            title=self.settings.campus_title,
            days=self.settings.retention.persons_days,
            told=lambda _campuses: self.told_first(),
        )

    def _forget(self) -> None:
        self.forget_persons()


def _list_site(shared: Shared) -> ListSite:
    """What the pages of the list of people need; the list is kept here if there is no campus
    server."""
    settings = shared.settings
    rules = ListRules.of(settings, {settings.campus: (settings.title, settings.title_en)})
    return ListSite(
        shared.people,
        rules,
        settings.keeps_list,
        lambda language: {settings.campus: settings.campus_title(language)},
    )


def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SettingsError`, `StoreError`."""
    web = settings.web
    certificate, key = settings.path(web.certificate), settings.path(web.key)
    (certificate, key), wrong = last_good.choose_pair(
        certificate, key, settings.folder / last_good.FOLDER
    )
    if wrong:
        log.error("%s; the last sound pair is taken", wrong)
    try:
        pages = Pages(settings.as_user("web"))
    except sqlite3.Error as error:
        raise StoreError(f"{settings.path(web.database)}: {error}") from error
    https_server.serve(pages.app, pages.accounts, "pages", web.host, web.port, certificate, key)


@click.command("web")
@settings_option("gateway.toml")
@click.option(
    "--invite", is_flag=True, help="Print a one-time code for another administrator, then end."
)
def web_command(settings_path: Path, invite: bool) -> None:
    """Serve the guards' board and the fever log over HTTPS. Runs until stopped.

    At the first start it prints a one-time code; open https://HOST:PORT/first and enter it to
    create the first administrator, who creates the guards' accounts. An administrator who has
    forgotten the password sets a new one there, with the code of `fevergate web --invite`.

    \b
      fevergate web
      fevergate web --invite
    """
    settings, wrong = last_good.load_settings(settings_path)
    if wrong:
        log.error("%s; the last sound copy is taken", wrong)
    if invite:
        store = WebStore(settings.path(settings.web.database))
        click.echo(f"one-time code, at /first: {Accounts(store).invite()}")
        store.close()
        return
    serve(settings)
