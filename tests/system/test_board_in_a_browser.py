"""The guard's board in a real browser: red within a second, kept until somebody comes."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from gpiozero.pins.mock import MockFactory
from playwright.sync_api import expect, sync_playwright

from fevergate.bench.load import LoadKiosk
from fevergate.gateway import Gateway
from fevergate.local_broker import LocalBroker, free_port
from fevergate.protocol import Verdict
from fevergate.provision import provision
from fevergate.settings import load_gateway

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
PASSWORD = "a long enough password"
SECOND_MS = 1000
PATIENT_MS = 15_000


class Place:
    """Broker, gateway, pages and a kiosk."""

    def __init__(self, folder):
        self.folder = folder
        provision(
            folder,
            campus="east",
            gateway="gw-east",
            gates={"north": ["north-1"]},
            broker_port=free_port(),
        )
        self.port = free_port()
        toml = folder / "gateway.toml"
        toml.write_text(toml.read_text().replace("port = 8443", f"port = {self.port}"))
        self.broker = LocalBroker(folder)
        self.broker.start()
        self.settings = load_gateway(toml)
        self.start_gateway()
        self.kiosk = LoadKiosk(self.settings, "north-1", 1)
        self.kiosk.wait_up()
        self.web = subprocess.Popen(
            [sys.executable, "-m", "fevergate.cli", "web", "--settings", str(toml)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            text=True,
        )
        assert self.web.stdout
        assert self.web.stdout.readline().startswith("pages: https://")
        self.code = self.web.stdout.readline().split()[-1]
        self.url = f"https://127.0.0.1:{self.port}"

    def start_gateway(self):
        self.factory = MockFactory()
        self.gateway = Gateway(self.settings, self.factory)
        self.gateway.start()

    def stop_gateway(self):
        self.gateway.stop()
        self.factory.reset()

    def close(self):
        self.kiosk.close()
        self.web.terminate()
        self.web.wait()
        self.stop_gateway()
        self.broker.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("place") / "gateway")
    yield place
    place.close()


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "tools/setup test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, place, language="en-GB"):
    context = browser.new_context(ignore_https_errors=True, locale=language)
    page = context.new_page()
    page.set_default_timeout(PATIENT_MS)
    page.goto(place.url)
    if language.startswith("en"):
        page.get_by_role("link", name="English").click()
    return page


def signed_in(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def shows(page, kind, ms=PATIENT_MS):
    expect(page.locator("#state")).to_have_class(re.compile(rf"\b{kind}\b"), timeout=ms)


@pytest.mark.timeout(240)
def test_a_day_at_the_gate(place, browser):
    page = opened(browser, place)
    page.get_by_label("One-time code").fill(place.code)
    page.get_by_label("Name").fill("Li Wei")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="The first administrator").click()
    signed_in(page, "Li Wei")
    page.get_by_role("link", name="People").click()
    page.get_by_label("Name").fill("Zhang")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("cell", name="Zhang", exact=True)).to_be_visible()

    boards = [opened(browser, place) for _ in range(2)]
    for board in boards:
        signed_in(board, "Zhang")
        expect(board.get_by_role("link", name="People")).to_have_count(0)
        shows(board, "green")
    place.kiosk.reading(Verdict.NORMAL, 36.4)
    expect(boards[0].get_by_text("36.4 °C")).to_be_visible()

    # Red within a second, on both, with where and how warm.
    place.kiosk.reading(Verdict.FEVER, 38.6)
    for board in boards:
        shows(board, "red", SECOND_MS)
        expect(board.locator("#detail")).to_contain_text("38.6 °C · north-1 · 1")
        assert "▲" in board.title()

    # The gateway is started anew in between: red it was, red it is.
    place.stop_gateway()
    shows(boards[0], "red")
    expect(boards[0].locator("#detail")).to_contain_text("no fever can be seen here")
    place.start_gateway()
    shows(boards[1], "red")

    boards[0].get_by_label("On duty").fill("Zhang at noon")
    boards[0].get_by_role("button", name="I see to it").click()
    for board in boards:
        shows(board, "green")

    # Half-done now, the rest later.
    boards[0].reload()
    boards[0].get_by_role("link", name="none yet").click()
    boards[0].get_by_label("Second measurement").fill("38.1")
    boards[0].get_by_role("button", name="Save", exact=True).click()
    boards[0].get_by_role("link", name="Not decided yet (open)").click()
    expect(boards[0].get_by_label("Second measurement")).to_have_value("38.1")
    boards[0].get_by_label("Outcome").select_option("clinic")
    boards[0].get_by_role("button", name="Save and close").click()
    expect(boards[0].get_by_role("link", name="To the clinic")).to_be_visible()

    page.get_by_role("link", name="Fever log").click()
    expect(page.get_by_text("1 fever(s) on this day")).to_be_visible()
    expect(page.get_by_role("cell", name="Zhang at noon")).to_be_visible()
    expect(page.get_by_role("cell", name="To the clinic, 38.1 °C")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "38.6" in download.value.path().read_text("utf-8-sig")


@pytest.mark.timeout(120)
def test_a_lost_line_never_looks_like_peace(place, browser):
    page = opened(browser, place)
    signed_in(page, "Zhang")
    shows(page, "green")
    place.stop_gateway()
    shows(page, "lost")
    place.start_gateway()
    shows(page, "green")
    place.broker.stop()
    shows(page, "lost")
    place.broker.start()
    shows(page, "green", 40_000)
    place.web.send_signal(19)  # SIGSTOP: it hangs
    try:
        shows(page, "lost")
    finally:
        place.web.send_signal(18)
    shows(page, "green")
