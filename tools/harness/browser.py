"""The installed Chromium, and the first steps of a person in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from harness.errors import HarnessError

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENT_MS = 120_000
"""Timeout for what a page must show, long enough for a slow machine."""
PASSWORD = "a long enough password"  # noqa: S105 - of invented people
WIDE, NARROW = (1280, 800), (390, 844)


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Run Chromium with command-line `options`. Raises `HarnessError` if none is installed."""
    program = next((path for path in map(shutil.which, NAMES) if path), None)
    if not program:
        raise HarnessError(f"no browser: install one of {', '.join(NAMES)}")
    expect.set_options(timeout=PATIENT_MS)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", *options]
        browser = playwright.chromium.launch(
            executable_path=program, args=arguments, timeout=PATIENT_MS
        )
        try:
            yield browser
        finally:
            browser.close()


def opened(
    browser: Browser,
    url: str,
    language: str = "en",
    size: tuple[int, int] = WIDE,
    theme: str = "auto",
    site: str = "",
) -> Page:
    """Open `url` in a browser context of its own, with a language, size and theme; `site`: the site
    that gets the cookies of language and theme, if not that of `url`."""
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": size[0], "height": size[1]},
        reduced_motion="reduce",
    )
    for name, value in (("language", language), ("theme", theme)):
        context.add_cookies([{"name": f"fevergate-{name}", "value": value, "url": site or url}])
    context.set_default_timeout(PATIENT_MS)
    page = context.new_page()
    page.goto(url)
    return page


def begin(page: Page, code: str, name: str) -> None:
    """Create the first administrator on the English page."""
    page.get_by_label("One-time code").fill(code)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="The first administrator").click()


def sign_in(page: Page, name: str) -> None:
    """Sign in; the page may be in any language."""
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
