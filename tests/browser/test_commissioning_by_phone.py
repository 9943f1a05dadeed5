"""A new board is set up by phone. The real browser is restricted like the small one that a phone
opens for a new Wi-Fi: it chooses no files, opens no windows, stores nothing, and may be closed at
any time."""

import io
from contextlib import contextmanager

import pytest
import zxingcpp
from broker_client import BASE, Client
from commissioning_helpers import SSID, WIFI_PASSWORD, NewBoard
from kiosk_helpers import ANSWER_S, until
from PIL import Image
from playwright.sync_api import expect
from samples import reading

from fevergate.protocol.messages import encode
from fevergate.provision.device_service import take
from harness.accessibility import judged, too_wide_px
from harness.broker import free_port
from harness.browser import NARROW, PATIENT_MS, begin, chromium, opened, sign_in
from harness.site import Site
from simulator.tower import Tower

BOARD = "http://192.168.4.1/"
POST = "north-post"
MINI_BROWSER = """
    for (const name of ["open", "alert", "confirm", "prompt"]) window[name] = () => null;
    const refuse = () => { throw new DOMException("", "SecurityError"); };
    for (const name of ["localStorage", "sessionStorage", "indexedDB"])
        Object.defineProperty(window, name, { get: refuse });
    for (const name of ["clipboard", "serviceWorker", "share"])
        Object.defineProperty(navigator, name, { value: undefined });
    HTMLInputElement.prototype.showPicker = refuse;
    addEventListener("click", (event) => {
        if (event.target.type === "file") event.preventDefault();
    }, true);
    history.replaceState = refuse;
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("by-phone") / "gateway", {"north": ["north-1"]}) as site:
        site.add_post(POST, "north")
        site.start_gateway()
        site.start_web()
        yield site


@pytest.fixture(scope="module")
def port():
    """TCP port of the board's pages; only one board runs at a time."""
    return free_port()


@pytest.fixture(scope="module")
def browser(port):
    """Chromium that reaches the board at its address, as a phone on the board's Wi-Fi does."""
    with chromium(f"--host-resolver-rules=MAP 192.168.4.1:80 127.0.0.1:{port}") as browser:
        yield browser


@pytest.fixture(scope="module")
def administrator(site, browser):
    """The gateway's page of the kiosk north-1, opened by an administrator who is signed in."""
    page = opened(browser, site.url, size=NARROW)
    begin(page, site.invite(), "Li Wei")
    sign_in(page, "Li Wei")
    page.goto(f"{site.url}/admin/kiosks/north-1")
    return page


class Phone:
    """A phone on the board's Wi-Fi; `window` is its small browser's page, if it is open."""

    def __init__(self, browser, theme):
        self.context = browser.new_context(
            viewport={"width": NARROW[0], "height": NARROW[1]},
            is_mobile=True,
            has_touch=True,
            color_scheme=theme,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENT_MS)
        self.context.add_init_script(MINI_BROWSER)
        self.complaints = []

    def open(self, url=BOARD):
        self.window = self.context.new_page()
        self.window.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.window.goto(url)
        return self.window

    def loses_the_wifi(self):
        self.context.set_offline(True)

    def joins_again(self):
        self.context.set_offline(False)

    def say(self, text):
        expect(self.window.locator("#say")).to_contain_text(text)


@pytest.fixture
def board(tmp_path, port):
    with NewBoard(tmp_path, http=port) as board:
        board.invite()
        yield board


@contextmanager
def phone_in(browser, theme="light"):
    """A phone, which stores nothing beyond this context."""
    phone = Phone(browser, theme)
    try:
        yield phone
    finally:
        phone.context.close()


def scanned(picture):
    """The texts of the QR codes that a camera sees on a screen."""
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return [code.text for code in codes]


def setup_code_of(administrator):
    administrator.get_by_role("button", name="Show a setup code").click()
    expect(administrator.locator(".setup .code")).to_be_visible()
    return administrator.locator(".setup .code").inner_text()


def fits(window):
    return too_wide_px(window) <= 0


def test_from_the_gateways_page_to_a_kiosk_at_work(site, administrator, browser, board):
    """The phone scans the code on the gateway's page and loses the board's Wi-Fi while the board
    joins the Wi-Fi of the campus. It finds the result in a new window."""
    text = setup_code_of(administrator)
    assert judged(administrator) == [] and fits(administrator)
    (link,) = scanned(administrator.screenshot(full_page=True))
    assert link == BOARD + "#" + text
    with phone_in(browser) as phone:
        window = phone.open(link)
        expect(window.locator("#given")).to_have_value(text)
        assert judged(window) == [] and fits(window)
        window.get_by_label("Wi-Fi at the gate").select_option(SSID)
        expect(window.get_by_label("Its name")).to_be_hidden()
        window.get_by_label("Wi-Fi password").fill("short")
        window.get_by_label("Language of the display").select_option("English")
        window.get_by_role("button", name="保存 Save", exact=True).tap()
        phone.say("Cannot join campus: check name and password")
        assert judged(window) == []
        window.close()  # the small browser closes without asking

        window = phone.open()
        phone.say("Cannot join campus")  # the board has kept the result, and the code
        expect(window.locator("#net")).to_have_value(SSID)
        expect(window.locator("#given")).to_have_value("")
        window.get_by_label("Wi-Fi password").fill(WIFI_PASSWORD)
        window.get_by_label("Language of the display").select_option("English")
        lines_before = len(board.console)
        window.get_by_role("button", name="保存 Save", exact=True).tap()
        board.wait_console("commissioning: joining", ANSWER_S, lines_before)
        phone.loses_the_wifi()
        phone.say("Join FeverGate-")
        phone.say("again: the result waits here")
        assert judged(window) == []
        board.wait_console("commissioning: saved", ANSWER_S, lines_before)
        window.close()

        phone.joins_again()
        window = phone.open()
        phone.say("Done. north-1 restarts now.")
        assert judged(window) == [] and phone.complaints == []
    board.wait_console("link up", ANSWER_S)
    assert board.boots == 2 and board.settings()["language"] == "en"
    administrator.goto(f"{site.url}/admin/audit")
    for noted in ("asked for a setup code", "a board fetched its settings with a setup code"):
        expect(administrator.get_by_text(noted)).to_be_visible()


def test_a_lamp_post_and_a_phone_that_comes_back_in_the_same_window(
    site, administrator, browser, board
):
    """The board becomes the lamp post whose setup code it is given; until then it is amber. Then a
    fever at its gate turns it red, and its button acknowledges the fever."""
    tower = Tower(board)
    administrator.goto(f"{site.url}/admin/kiosks/{POST}")
    text = setup_code_of(administrator)
    assert judged(administrator) == [] and fits(administrator)
    with phone_in(browser, "dark") as phone:
        window = phone.open()
        # The code is typed by hand in small letters; the network's name is typed as well.
        window.get_by_label("Setup code").fill(text.lower())
        window.get_by_label("Its name").fill(SSID)
        window.get_by_label("Wi-Fi password").fill(WIFI_PASSWORD)
        window.get_by_role("button", name="保存 Save", exact=True).tap()
        board.wait_console("commissioning: joining", ANSWER_S)
        phone.loses_the_wifi()
        phone.say("the result waits here")
        phone.joins_again()
        phone.say(f"设置完成，{POST} 正在重启")
        assert judged(window) == [] and phone.complaints == []
    assert [lit.what for lit in tower.history] == [{"amber"}]
    board.wait_console("link up", ANSWER_S)
    settings = board.settings()
    assert settings["language"] == "zh" and settings["role"] == "lamp_post"
    with Client(site, "north-1") as kiosk:
        kiosk.say(f"{BASE}/north-1/reading", encode(reading(1, "fever")))
        tower.wait_for(lambda: {"red", "siren"} <= tower.lit, ANSWER_S, "no red")
        tower.press(ANSWER_S)
        tower.wait_for(lambda: not {"red", "siren"} & tower.lit, ANSWER_S, "still red")
    with Client(site, "admin") as admin:
        admin.hear(f"{BASE}/alarm/north")
        until(lambda: any(b'"by":"button"' in payload for payload in admin.payloads()))


def test_a_file_is_pasted_where_none_can_be_chosen(site, browser, board):
    path = site.settings.path("kiosks/north-1/kiosk.json")
    with phone_in(browser) as phone:
        window = phone.open()
        window.get_by_text("Without the gateway's page").tap()
        window.locator("#file").tap()  # opens nothing in this browser
        window.get_by_label("Setup code").fill(path.read_text())
        window.get_by_label("Its name").fill("nowhere")
        window.get_by_label("Wi-Fi password").fill(WIFI_PASSWORD)
        window.get_by_role("button", name="保存 Save", exact=True).tap()
        phone.say("There is no Wi-Fi nowhere here")
        window.get_by_role("button", name="仍然保存 Save all the same").tap()
        phone.say("restarts now")
        assert judged(window) == [] and phone.complaints == []
    assert board.settings()["wifi_ssid"] == "nowhere"


def test_a_full_browser_may_choose_the_file(site, browser, board):
    path = site.settings.path("kiosks/north-1/kiosk.json")
    with phone_in(browser) as phone:
        window = phone.open()
        window.get_by_text("Without the gateway's page").tap()
        window.locator("#file").set_input_files(path)
        expect(window.get_by_label("Setup code")).to_have_value(path.read_text())


def test_an_error_is_announced_to_a_screen_reader(browser, board):
    with phone_in(browser) as phone:
        window = phone.open()
        window.get_by_role("button", name="保存 Save", exact=True).tap()
        expect(window.get_by_role("status")).to_contain_text("expected a setup code")
        assert judged(window) == [] and fits(window)
        window.get_by_label("show it").check()
        assert window.locator("#password").get_attribute("type") == "text"


def test_a_kiosk_is_added_from_the_page_and_removed_again(site, administrator):
    """The page shows the progress of the gateway's service, even after the web server restarts."""
    page, status = administrator, administrator.get_by_role("status")
    page.goto(f"{site.url}/admin/devices")
    add = page.locator("#add")
    add.get_by_label("Short name").fill("north-2")
    add.get_by_label("Gate").fill("north")
    add.get_by_label("What people call it").fill("Left side")
    assert judged(page) == [] and fits(page)
    add.get_by_role("button", name="Add it").click()
    expect(status.first).to_contain_text("begins within seconds")
    assert judged(page) == [] and fits(page)
    serving = take(site.folder)
    assert "add north-2" in next(serving) and "north" in next(serving)
    expect(status.first).to_contain_text("✓ Left side: stands at gate north")
    expect(status.first).to_contain_text("Under way")
    assert judged(page) == []
    site.web.stop()
    expect(page.locator("#stale")).to_be_visible()
    assert list(serving)
    site.start_web()
    expect(status.first).to_contain_text("Done.")
    assert judged(page) == [] and fits(page)
    page.get_by_role("link", name="Show the setup code").click()
    assert "/" in setup_code_of(page)

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Why, such as: stolen").fill("only a test")
    page.get_by_role("button", name="Remove it").click()
    expect(status.first).to_contain_text("begins within seconds")
    assert list(take(site.folder))
    expect(status.first).to_contain_text("its credential is gone")
    expect(status.first).to_contain_text("Done.")
    page.goto(f"{site.url}/admin/audit")
    expect(page.get_by_text("asked for a kiosk to be removed")).to_be_visible()
