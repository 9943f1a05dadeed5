"""The ways in which every page is looked at, and what axe says of it."""

import real_micropython

from harness.browser import NARROW, WIDE

AXE = real_micropython.ROOT / ".venv/node/node_modules/axe-core/axe.min.js"
WAYS = [("zh", "day", WIDE), ("en", "night", NARROW), ("zh", "night", NARROW), ("en", "day", WIDE)]


def judged(page):
    """What axe finds of consequence: which rule, where, why."""
    page.evaluate(AXE.read_text())
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (violation["id"], node["html"][:200], node.get("failureSummary", ""))
        for violation in report["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
