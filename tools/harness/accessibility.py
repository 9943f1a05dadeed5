"""Checks a page in the browser: with axe, the accessibility checker, and for its width."""

from playwright.sync_api import Page

from harness import ROOT

AXE = ROOT / ".venv/node/node_modules/axe-core/axe.min.js"


def judged(page: Page) -> list[tuple[str, str, str]]:
    """Serious and critical violations that axe finds: which rule, in which element, and why."""
    page.wait_for_load_state()  # with its style
    page.evaluate(AXE.read_text())
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (violation["id"], node["html"][:200], node.get("failureSummary", ""))
        for violation in report["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def too_wide_px(page: Page) -> int:
    """Width (px) by which a page exceeds its window, so that it must be scrolled sideways."""
    page.wait_for_load_state()  # with its style
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def pushed_aside(page: Page) -> list[str]:
    """Names of the tables that are wider than their place and must be scrolled sideways."""
    page.wait_for_load_state()
    return page.locator("main .wide").evaluate_all(
        """tables => tables.filter((table) => table.scrollWidth > table.clientWidth)
            .map((table) => table.getAttribute("aria-label"))"""
    )
