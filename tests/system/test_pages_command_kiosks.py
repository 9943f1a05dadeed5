"""From a form on the page to a kiosk at its gate: identify, settings, firmware."""

import time

import pytest
from kiosk_helpers import ANSWER_S, FIRMWARE, HEALTHY, readings, settled
from pages_site import GOOD, OURS, post, quick
from starlette.testclient import TestClient

from fevergate.kiosks.firmware_bundle import build
from fevergate.settings.gateway import load_gateway
from fevergate.web.app import Pages
from fevergate.web_common import accounts
from harness.system import System

KIOSK = "/admin/kiosks/north-1"
UPDATE_S = 600


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "site"
    with System(folder, [], speed=8, gates={"north": ["north-1"]}) as system:
        system.guard.stop()
        system.boards[0].wait_console("link up", ANSWER_S)
        yield system


@pytest.fixture(scope="module")
def administrator(system):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "PasswordHasher", quick)
        pages = Pages(load_gateway(system.settings_path))
    pages.accounts.begin(pages.accounts.invite(), "李伟", GOOD)
    client = TestClient(pages.app, base_url="https://pages", follow_redirects=False)
    client.cookies.set("fevergate-language", "en")
    client.post("/sign-in", data={"name": "李伟", "password": GOOD}, headers=OURS)
    yield client
    pages.store.close()


def within(seconds, true):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_identify_makes_a_kiosk_blink_and_chirp_and_then_its_display_comes_back(
    system, administrator
):
    board = system.boards[0]
    invitation = settled(board)
    before, start = len(board.pin_history), len(board.console)
    answer = post(administrator, f"{KIOSK}/identify", KIOSK)
    assert answer.status_code == 303
    assert "blinks, chirps" in administrator.get(answer.headers["location"]).text
    board.wait_console("identify", ANSWER_S, start)

    def blinks():
        return [
            change
            for change in board.pin_history[before:]
            if change.pin == board.pins.amber and change.level
        ]

    within(ANSWER_S, lambda: board.display.to_text() != invitation)
    within(ANSWER_S, lambda: len(blinks()) == 10)

    def chirps():
        return [tone.frequency_hz for tone in board.beeps if tone.duty_u16]

    # The last chirp ends after the last blink has begun.
    within(ANSWER_S, lambda: chirps()[-20:] == [1500, 1900] * 10)
    within(ANSWER_S, lambda: board.display.to_text() == invitation)
    # The signal delayed nobody; people are measured as before.
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    assert readings(board)[-1]["verdict"] == "normal"


def test_a_threshold_on_the_page_is_in_force_at_the_gate(system, administrator):
    answer = post(
        administrator, f"{KIOSK}/settings", KIOSK, threshold_c="37.1", quiet="22:00-06:30"
    )
    assert answer.status_code == 303

    def shown():
        page = administrator.get(KIOSK).text
        return 'name="threshold_c" value="37.1"' in page and 'value="22:00-06:30"' in page

    within(ANSWER_S, shown)
    board = system.boards[0]

    def decided():
        board.admit([HEALTHY])
        board.wait_crowd(ANSWER_S)
        return readings(board)[-1]["threshold_c"]

    assert decided() == 37.1
    within(ANSWER_S, lambda: "in force: 37.1 °C" in administrator.get(KIOSK).text)
    # A field that is left empty goes back to the kiosk's own setting.
    assert post(administrator, f"{KIOSK}/settings", KIOSK).status_code == 303
    within(ANSWER_S, lambda: decided() == 37.3)


def test_a_form_that_never_showed_what_is_set_takes_nothing_away(system, administrator):
    post(administrator, f"{KIOSK}/settings", KIOSK, threshold_c="37.2", volume="80")
    # Like a form that was opened while the broker was away, or before another person's change.
    answer = post(administrator, f"{KIOSK}/settings", KIOSK, notice="hello", version="0")
    assert answer.status_code == 400 and "Somebody set it meanwhile" in answer.text
    page = administrator.get(KIOSK).text
    assert 'name="threshold_c" value="37.2"' in page and 'name="volume" value="80"' in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("threshold_c", "50", "only 35 to 40 °C"),
        ("threshold_c", "warm", "only 35 to 40 °C"),
        ("site", "toe", "only: inner corner"),
        ("volume", "101", "only 0 to 100 %"),
        ("quiet", "night", "22:00-06:30"),
        ("notice", "x" * 99, "at most 8"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_nothing_is_sent(administrator, field, value, said):
    answer = post(administrator, f"{KIOSK}/settings", KIOSK, **{field: value})
    assert answer.status_code == 400 and said in answer.text
    assert f'value="{value}"' in answer.text or field == "site"


def test_firmware_of_a_file_reaches_the_kiosk_and_the_page_follows_it(
    system, administrator, tmp_path
):
    folder = system.folder / "updates"
    folder.mkdir(exist_ok=True)
    (folder / "same.bundle").write_bytes(build(FIRMWARE).data)
    page = administrator.get("/admin/kiosks").text
    assert "same.bundle" in page
    for wrong in ("../gateway.toml", "none.bundle"):
        answer = post(
            administrator, "/admin/kiosks/update", "/admin/kiosks", bundle=wrong, kiosk="*"
        )
        assert answer.status_code == 400 and "There is no such file" in answer.text
    form = {"kiosk": "north-1", "bundle": "same.bundle", "downgrade": "1"}
    assert post(administrator, "/admin/kiosks/update", "/admin/kiosks", **form).status_code == 303
    page = administrator.get("/admin/kiosks").text
    assert "under way" in page and 'http-equiv="refresh"' in page
    within(UPDATE_S, lambda: "under way" not in administrator.get("/admin/kiosks").text)
    page = administrator.get("/admin/kiosks").text
    assert "<strong>north-1</strong>: updated" in page and "Not every kiosk" not in page
