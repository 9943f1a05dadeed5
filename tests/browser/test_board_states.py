"""Each state of the board that people see, in a real browser."""

import re
from importlib import import_module
from itertools import groupby

import pytest
from playwright.sync_api import expect

from harness.accessibility import judged, too_wide_px
from harness.browser import chromium
from harness.page_states import SIZES, STATES, played
from harness.stage import GUARD, ON_DUTY, Stage
from harness.worker import wait_until

import_module("harness.board_states")  # adds its states to `STATES`
RED = [
    *("red", "red-two", "red-both", "follow-up-red", "follow-up-red-elsewhere", "lost-red"),
    *("gateway-gone-red", "unanswered", "signed-out-red", "woken"),
]
SHOUTS = """() => [...document.querySelectorAll("a, button, p, ul, input, select")].filter((it) =>
    it.offsetParent && !it.closest("#elsewhere") && !it.matches(".tabs .hot, .error")
    && ["rgb(165, 18, 25)", "rgb(195, 34, 42)", "rgb(255, 197, 61)"].includes(
        getComputedStyle(it).backgroundColor)).map((it) => it.outerHTML)"""
"""Finds the elements with a red or amber background, except the other gate's banner and errors."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "gateway"
    with chromium() as browser, Stage(folder, browser) as stage:
        yield stage


@pytest.fixture(autouse=True)
def calm(stage):
    """Leave no red light and no open case to the next test."""
    yield
    stage.treated()


def test_a_state_is_described_and_played_and_the_site_is_calm_after_it(stage):
    assert all(state.what.endswith(".") for state in STATES.values())
    with played(stage, "red-both", "en") as page:
        assert page.get_by_role("button", name="I see to it").is_visible()
        assert {gate["alarm"]["state"] for gate in stage.now()} == {"raised"}
    assert {gate["alarm"]["state"] for gate in stage.now()} == {"clear"}


@pytest.mark.parametrize("name", RED)
def test_while_it_is_red_the_button_is_in_sight_on_every_size_and_nothing_else_shouts(stage, name):
    language, theme = (("zh", "day"), ("en", "night"))[RED.index(name) % 2]
    with played(stage, name, language, theme=theme) as page:
        button = page.locator("#acknowledge button")
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            expect(button).to_be_in_viewport(ratio=1)
            button.click(trial=True, no_wait_after=True)  # nothing covers it
            expect(page.locator("#detail")).to_be_in_viewport(ratio=1)
            # The rest of a phone's screen is for a form that is being filled in.
            covered = page.evaluate("document.getElementById('top').offsetHeight / innerHeight")
            assert covered < 0.55, (width, height)
            if "follow-up" in name:
                focus = page.locator("#form :focus")
                focus.scroll_into_view_if_needed()
                expect(focus).to_be_in_viewport()
                focus.click(trial=True)
            assert too_wide_px(page) <= 0, (width, height)
        assert page.evaluate(SHOUTS) == []
        assert judged(page) == []


@pytest.mark.parametrize("name", ["amber", "open-cases", "follow-up-wrong", "lost", "session-ends"])
def test_everybody_can_use_what_is_not_red(stage, name):
    with played(stage, name, "zh", SIZES["phone"], "night") as page:
        assert judged(page) == []
        assert too_wide_px(page) <= 0


def test_after_the_press_the_board_says_what_is_open_and_leads_there(stage):
    stage.fever("north-1", 38.6)
    stage.fever("north-2", 37.8)
    page = stage.opened("guard", "en")
    stage.board(page, shows="red")
    expect(page.locator("#open")).to_be_hidden()
    page.keyboard.press("F2")  # one key, wherever the focus is
    stage.shows(page, "green")
    expect(page.locator("#headline")).to_have_text(re.compile(r"· All kiosks watch$"))
    expect(page.locator("#more")).to_contain_text("Fevers today")
    leads = page.get_by_role("link", name="2 to follow up")
    expect(leads).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#fevers a.open").first).to_be_focused()

    # Four taps (the case, where it was measured, what was done, save) and the typed temperature.
    page.evaluate("window.taps = 0; addEventListener('pointerup', () => { taps += 1 }, true)")
    page.locator("#fevers a.open").first.click()
    expect(page.locator("#form [name=clinical_c]")).to_be_focused()
    page.keyboard.type("38.4")
    page.get_by_text("Armpit").click()
    page.get_by_text("To the clinic", exact=True).click()
    page.get_by_role("button", name="Save and close").click()
    link = page.get_by_role("link", name="1 to follow up")
    assert page.evaluate("taps") == 4
    expect(link).to_be_focused()
    page.keyboard.press("Enter")  # only one is open, so its form opens
    page.get_by_label("Second measurement").fill("36.9")
    page.get_by_text("Released").click()
    page.get_by_role("button", name="Save and close").click()
    expect(page.locator("#open")).to_be_hidden()
    expect(page.locator("#headline")).to_be_focused()
    expect(page.locator("#headline")).not_to_contain_text("no fever")
    page.context.close()


COVERED = """() => { const it = document.activeElement, at = it.getBoundingClientRect();
    return document.elementFromPoint(at.left + 20, (at.top + at.bottom) / 2) !== it; }"""
"""Whether something covers the focused element at half its height."""

SPOKEN = """() => { const state = document.getElementById("state"); window.spoken = [];
    new MutationObserver(() => { const text = state.innerText.replace(/\\s+/g, " ").trim();
        if (spoken.at(-1) !== text) spoken.push(text);
    }).observe(state, { attributes: true, childList: true, characterData: true, subtree: true });
    }"""
"""Records each change of the text that a screen reader speaks."""


def test_a_red_light_and_its_end_are_each_spoken_once(stage):
    page = stage.opened("guard", "en")
    stage.board(page, shows="green")
    page.evaluate(SPOKEN)
    before = stage.gate("north")["today"]
    stage.fever()
    stage.shows(page, "red")
    wait_until(lambda: stage.gate("north")["today"] > before, 60, "it is counted")
    page.wait_for_timeout(2500)  # some events repeat the same state
    page.get_by_role("button", name="I see to it").click()
    stage.shows(page, "green")
    page.wait_for_timeout(2500)
    # On a slow machine the board may also say that the line is lost, or count a fever later.
    texts = [text.partition(" Fevers today")[0] for text in page.evaluate("spoken")]
    spoken = [text for text, _ in groupby(text for text in texts if text[0] in "▲✓")]
    red, green = spoken[spoken[0][0] == "✓" :]
    assert "FEVER 38.6 °C" in red and "All kiosks watch" in green
    page.context.close()


def test_a_press_counts_for_what_is_on_the_board_and_later_fevers_stay_red(stage):
    page = stage.opened("guard", "en")
    stage.fever("north-1", 38.6)
    stage.board(page, shows="red")
    page.evaluate(
        "() => { window.redraw = draw; draw = () => {} }"
    )  # fevers come faster than it repaints
    stage.fever("north-1", 38.7)
    stage.fever("north-2", 39.2)
    wait_until(lambda: stage.gate("north")["alarm"]["fevers"] == 3, 60, "three wait")
    page.get_by_role("button", name="I see to it").click()
    wait_until(lambda: stage.gate("north")["alarm"]["fevers"] == 2, 60, "the first is seen to")
    page.evaluate("() => { draw = redraw }")
    expect(page.locator("#told")).to_contain_text("Another fever has come")
    expect(page.locator("#more")).to_have_text("2 to acknowledge")
    page.get_by_role("button", name="I see to it").click()
    stage.shows(page, "green")
    page.context.close()


def test_a_gate_without_a_fever_today_leads_to_yesterdays_open_fever(stage):
    with played(stage, "calm-open-yesterday", "zh") as page:
        expect(page.locator("#open")).to_have_text("1 人待处置")
        page.locator("#open").click()
        expect(page.locator("#form [name=clinical_c]")).to_be_focused()


def test_nothing_typed_is_thrown_away_unasked(stage):
    with played(stage, "follow-up", "en") as page:
        note = page.get_by_label("Note")
        expect(page.locator("#open")).to_be_visible()
        page.keyboard.press("Escape")  # nothing typed: it closes
        expect(note).to_have_count(0)
        expect(page.locator("#open")).to_be_focused()
        page.keyboard.press("Enter")
        note.fill("half a sentence")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Go on typing")).to_be_focused()
        assert judged(page) == []
        page.keyboard.press("Escape")
        expect(note).to_be_focused()
        expect(note).to_have_value("half a sentence")
        page.get_by_role("button", name="Close without saving").click()
        page.get_by_role("button", name="Go on typing").click()
        expect(note).to_have_value("half a sentence")
        page.get_by_role("button", name="Close without saving").click()
        page.get_by_role("button", name="Throw it away").click()
        expect(note).to_have_count(0)


def test_on_a_page_of_its_own_a_follow_up_keeps_what_was_typed(stage):
    with played(stage, "follow-up-page", "en") as page:
        note = page.get_by_label("Note")
        page.set_viewport_size({"width": 1280, "height": 600})
        page.get_by_label("Telephone").focus()
        page.keyboard.press("Tab")  # the buttons below do not cover the focused field
        expect(note).to_be_focused()
        assert page.evaluate(COVERED) is False
        note.fill("half a sentence")
        page.context.clear_cookies(name="__Host-fevergate")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("you are signed out")
        assert judged(page) == []
        page.context.add_cookies([stage.session("administrator")])  # signed in anew
        with stage.frozen_pages():
            page.get_by_role("button", name="Save and close").click()
            expect(page.get_by_role("alert")).to_contain_text("No answer")
        page.get_by_role("button", name="Save and close").click()
        expect(page.get_by_role("alert")).to_contain_text("Without a second measurement")
        expect(page.get_by_label("Second measurement")).to_be_focused()
        expect(note).to_have_value("half a sentence")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url("**/board/north")


def test_the_name_that_a_guard_chose_stays_over_reloads_and_sessions(stage):
    page = stage.opened("guard", "en")
    stage.board(page)
    by = page.get_by_label("On duty")
    expect(by).to_have_value(GUARD)
    by.select_option(ON_DUTY)
    page.reload()
    expect(by).to_have_value(ON_DUTY)
    page.goto(f"{stage.url}/board/south")  # another gate has guards of its own
    expect(by).to_have_value(GUARD)
    page.context.clear_cookies(name="__Host-fevergate")
    page.context.add_cookies([stage.session("administrator")])
    stage.board(page, shows="green")
    stage.fever()
    stage.shows(page, "red")
    page.get_by_role("button", name="I see to it").click()
    stage.shows(page, "green")
    row = page.locator("#fevers tbody tr").first
    expect(row).to_contain_text(ON_DUTY)
    page.context.close()


def test_a_board_that_hears_nothing_asks_for_its_events_anew(stage):
    page = stage.opened("guard", "en")
    page.add_init_script(
        "window.made = 0; window.EventSource = class extends EventSource {"
        " constructor(...given) { super(...given);"
        " made += 1 } }"
    )
    stage.board(page, shows="green")
    count = page.evaluate("made")
    with stage.frozen_pages():  # the connection stays open, but no event comes
        page.wait_for_function("before => made > before", arg=count)
        expect(page.locator("#state")).to_have_class(re.compile("lost"))
    stage.shows(page, "green")
    page.context.close()


@pytest.mark.parametrize("name", ["signed-out", "signed-out-red"])
def test_somebody_signed_out_is_not_told_that_the_connection_is_lost(stage, name):
    with played(stage, name, "en") as page:
        text = page.locator("#state").inner_text()
        assert "You are signed out" in text and "line to the gateway" not in text
