"""A site with people, and a browser, on which states of the pages are played."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, expect

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.protocol.messages import Verdict
from fevergate.provision.titles import suggested_campus, suggested_gate
from fevergate.registers.declarations import shipped
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.storage.records import Acknowledged, ReadingArrived
from fevergate.storage.store import Store
from fevergate.web_common.accounts import Accounts
from fevergate.web_common.store import WebStore
from harness.browser import PASSWORD, PATIENT_MS, WIDE, opened, sign_in
from harness.client import post_form
from harness.client import sign_in as sign_in_client
from harness.readings import made_reading
from harness.site import CAMPUS, Site
from harness.worker import wait_until

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}
ADMINISTRATOR, GUARD, ON_DUTY = "李伟", "Zhang", "刘洋"
YESTERDAY = ("south-1", 7, 1)
"""A fever of yesterday whose follow-up is open."""

DAY_S = 86_400
STOP, GO_ON = 19, 18
"""SIGSTOP and SIGCONT."""

Role = Literal["", "guard", "administrator"]
"""Who is signed in; empty for nobody."""


class Stage(Site):
    """A site with people, and a browser; for a `with` statement.

    `gates` are the kiosks of each gate; `north` and `south`, the default, must be among them.
    `options` are `Site`'s. Everybody's password is `harness.browser.PASSWORD`.
    """

    def __init__(
        self,
        folder: Path,
        browser: Browser,
        gates: dict[str, list[str]] = GATES,
        **options: Any,
    ) -> None:
        gate_titles = {gate: suggested_gate(gate) for gate in gates}
        options = {"titles": suggested_campus(CAMPUS), "gate_titles": gate_titles} | options
        super().__init__(folder, gates, **options)
        self.edit("silent_after_s = 150", "silent_after_s = 3600")
        self._browser = browser
        self._cookies: dict[str, Any] = {}
        self._treated: set[str] = set()
        self.after = ExitStack()
        """Callbacks that `calm` runs, the last one first."""

    def begin(self) -> None:
        """Fill the databases, start gateway and pages, and let some people pass."""
        with closing(Store(self.database, self.settings.zone)) as store:
            kiosk, boot, seq = YESTERDAY
            at = time.time() - DAY_S
            reading = made_reading(kiosk, boot, seq, at, Verdict.FEVER, 38.1)
            store.commit([ReadingArrived(reading, at, "south", at)])
            store.commit([Acknowledged((reading.identity,), ON_DUTY, at + 20)])
        with closing(WebStore(self.settings.path(self.settings.web.database))) as store:
            accounts = Accounts(store)
            accounts.begin(accounts.invite(), ADMINISTRATOR, PASSWORD)
            accounts.add(GUARD, PASSWORD, "guard")
            vault = Vault(self.settings.path(KEY))
            Duty(Entries(store, vault, shipped()), lambda: list(self.gates)).add(ON_DUTY, "")
        self.start_gateway()
        self.start_web()
        for gate, kiosks in self.gates.items():
            for kiosk in kiosks:
                for n in range(12 if gate in GATES else 1):
                    self.kiosk(kiosk).reading(Verdict.NORMAL, 36.2 + n * 7 % 10 / 20)
        self._client = self.stack.enter_context(self.client())
        sign_in_client(self._client, ADMINISTRATOR, PASSWORD)
        wait_until(lambda: all(gate["alarm"] for gate in self.now()), 60, "every gate is known")

    def opened(
        self,
        role: Role = "guard",
        language: str = "zh",
        size: tuple[int, int] = WIDE,
        theme: str = "day",
    ) -> Page:
        """A blank page in its own browser context, signed in as `role`."""
        page = opened(self._browser, "about:blank", language, size, theme, site=self.url)
        if role:
            page.context.add_cookies([self.session(role)])
        return page

    def session(self, role: Role) -> Any:
        """The session cookie of a signed-in user of that role."""
        if role not in self._cookies:
            page = opened(self._browser, self.url)
            sign_in(page, GUARD if role == "guard" else ADMINISTRATOR)
            (self._cookies[role],) = [
                cookie for cookie in page.context.cookies() if cookie.get("httpOnly")
            ]
            page.context.close()
        return self._cookies[role]

    def now(self) -> list[Any]:
        """The gates as the event stream of the pages reports them (`BoardsNow.gates`)."""
        with self._client.stream("GET", "/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))["gates"]
        return []

    def gate(self, name: str) -> Any:
        """A gate as the event stream of the pages reports it (`BoardGate`)."""
        return next(gate for gate in self.now() if gate["gate"] == name)

    def fever(self, kiosk: str = "north-1", body_c: float = 38.6) -> None:
        """Let somebody with a fever pass, and wait until the pages show it."""
        gate = kiosk.partition("-")[0]
        before = self._waiting(gate)
        self.kiosk(kiosk).reading(Verdict.FEVER, body_c)
        wait_until(lambda: self._waiting(gate) > before, 60, f"{gate} is red")

    def _waiting(self, gate: str) -> int:
        alarm = self.gate(gate)["alarm"]
        return alarm["fevers"] if alarm else 0

    def seen_to(self, gate: str = "north") -> None:
        """Acknowledge a gate's red alarm, as its board does."""

        def pressed() -> bool:
            alarm = self.gate(gate)["alarm"]
            if not alarm["fevers"]:
                return True
            since = json.dumps(alarm["since"]).removesuffix(".0")
            form = {"since": since, "fevers": str(alarm["fevers"]), "by": ON_DUTY}
            self._post(f"/board/{gate}", f"/board/{gate}/acknowledge", form)
            return False

        wait_until(pressed, 60, f"{gate} is clear")

    def treated(self, gate: str = "north") -> None:
        """Acknowledge a gate's red alarm and close today's follow-ups."""
        self.seen_to(gate)
        listed = self._client.get(f"/board/{gate}/fevers?of=today").text
        for path in set(re.findall(r'href="(/fevers/[^"]+)"', listed)) - self._treated:
            form = {"clinical_c": "38.2", "clinical_site": "axillary", "outcome": "clinic"}
            self._post(path, path, form | {"action": "close"})
            self._treated.add(path)
        wait_until(lambda: self.gate(gate)["open"] == _left(gate), 60, f"{gate} is treated")

    def off_line(self, kiosk: str) -> None:
        """Take a kiosk off line until `calm`."""
        gate, topic = kiosk.partition("-")[0], self.topic(kiosk, "status")

        def back() -> None:
            self.kiosk(kiosk).say(topic, b"online")
            wait_until(
                lambda: not any(kiosk in why for why in self.gate(gate)["alarm"]["amber"]),
                60,
                f"{kiosk} is on line",
            )

        self.kiosk(kiosk).say(topic, b"offline")
        self.after.callback(back)

    def calm(self) -> None:
        """Run the callbacks in `after`, then acknowledge and close every fever of today."""
        self.after.close()
        for gate in self.now():
            if gate["alarm"]["fevers"] or gate["open"] > _left(gate["gate"]):
                self.treated(gate["gate"])

    def _post(self, page: str, path: str, form: dict[str, str]) -> str:
        hidden = re.findall(r'name="(csrf|revision)" value="([^"]+)"', self._client.get(page).text)
        return post_form(self._client, path, dict(hidden) | form).text

    def as_administrator(self, path: str) -> str:
        """A page as the administrator sees it."""
        return self._client.get(path).text

    def post_as_administrator(self, page: str, path: str, form: dict[str, str]) -> str:
        """Send a form of a page as the administrator; returns the text of the answer."""
        return self._post(page, path, form)

    def board(self, page: Page, gate: str = "north", shows: str = "") -> None:
        """Open a gate's board and wait until it is drawn and, if given, in the state `shows`."""
        page.goto(f"{self.url}/board/{gate}")
        page.wait_for_selector("#kiosks article", state="attached")
        if shows:
            self.shows(page, shows)

    def shows(self, page: Page, kind: str) -> None:
        """Wait until the board is in a state: `green`, `amber`, `red` or `lost`."""
        state_class = re.compile(rf"\b{kind}\b")
        expect(page.locator("#state")).to_have_class(state_class, timeout=PATIENT_MS)

    def opened_follow_up(self, page: Page) -> None:
        """Open a board, and from there the newest fever's follow-up."""
        self.board(page, "north")
        page.locator("#fevers td a").first.click()
        page.wait_for_selector("#after input[name=clinical_c]")

    @contextmanager
    def frozen_pages(self) -> Iterator[None]:
        """Within this context the pages accept every request and answer none."""
        self.web.send_signal(STOP)
        try:
            yield
        finally:
            self.web.send_signal(GO_ON)


def _left(gate: str) -> int:
    """Number of follow-ups that stay open at a gate: `YESTERDAY` is one, at its gate."""
    return int(gate == YESTERDAY[0].partition("-")[0])
