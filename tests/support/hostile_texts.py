"""Puts hostile texts into every free text field of a site, and visits every page in a browser.

The browser ignores the site's Content-Security-Policy, so that any text that a page fails to escape
runs as a script.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import APIResponse, Browser, Page, Request

from harness.browser import PASSWORD, PATIENT_MS

TEXTS = (
    '"><img src=x onerror=alert(1)>',
    "=1+1<script>alert(2)</script>",
    "javascript:alert(3)//",
    "</textarea><svg onload=alert(4)>",
    "'onfocus=alert(5) autofocus x='",
)
"""Each text has at most 32 characters, the longest that a name may have."""

NAME = TEXTS[2]
"""The only one of the texts that is allowed as a person's name."""

MOST_PAGES = 150
NOT_PRESSED = re.compile(r"sign-out|remove|revoke|delete|language|theme|password")
FORMS = """() => [...document.querySelectorAll('form')].filter(f => f.method == 'post').map(f => ({
  action: f.getAttribute('action') || location.pathname, upload: f.enctype == 'multipart/form-data',
  fields: [...f.elements].filter(e => e.name && !e.disabled).map(e => ({
    tag: e.tagName, type: e.type, name: e.name, value: e.value, most: e.maxLength,
    mode: e.inputMode, choices: e.options ? [...e.options].map(o => o.value) : []}))}))"""
LINKS = "() => [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
LOOK = """() => {
  for (const it of document.querySelectorAll('details')) it.open = true;
  const wrong = document.querySelectorAll(
    'script:not([src]):not([type="application/json"]), svg[onload], img[src="x"], [onerror],'
    + ' [onfocus], a[href^="javascript:" i]');
  return [[...wrong].map(e => e.outerHTML), document.body.innerText.includes('alert(')];
}"""
"""Script that returns the elements injected into a page, and whether the page shows a hostile
text."""


@dataclass
class Crawl:
    """A visit to all pages. It collects the paths of pages that show a hostile text, the paths of
    files, and the faults that were found."""

    url: str
    page: Page
    shown: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    pages: int = 0

    def run(self, *first: str) -> None:
        """Visit all pages that can be reached, send their forms, and visit them again."""
        for send in (True, False):
            paths, kinds = [*first], set()
            while paths and len(kinds) < MOST_PAGES:
                path = paths.pop(0)
                if _kind(path) in kinds or NOT_PRESSED.search(path):
                    continue
                kinds.add(_kind(path))
                if re.search(r"\.(pdf|xlsx)\b", path):
                    continue  # no browser shows these as a page, and each takes seconds
                if re.search(r"\.(csv|json)\b", path):
                    if not send:
                        self._take(path)
                    continue
                paths += self.visit(path)
                if send:
                    self._send_forms()
            self.pages = len(kinds)

    def visit(self, path: str) -> list[str]:
        """Open a page and look at it; returns the paths that it links to."""
        answer = self.page.goto(self.url + path, wait_until="domcontentloaded")
        assert "/sign-in" not in self.page.url, path
        if answer and "script-src 'self'" not in answer.headers["content-security-policy"]:
            self.wrong.append(f"{path}: no policy")
        self._look(path)
        return [
            link.replace(self.url, "").partition("#")[0]
            for link in (urljoin(self.page.url, href) for href in self.page.evaluate(LINKS))
            if link.startswith(self.url)
        ]

    def _look(self, path: str) -> None:
        injected, shows = self.page.evaluate(LOOK)
        self.wrong += [f"{path}: {fault}" for fault in injected]
        if shows:
            self.shown.add(urlsplit(path).path)

    def _send_forms(self) -> None:
        at = self.page.url
        for number, form in enumerate(self.page.evaluate(FORMS)):
            if not _ends_the_session(form):
                values = {}
                for n, item in enumerate(form["fields"]):
                    if (value := _filled(item, number + n)) is not None:
                        values.setdefault(item["name"], value)
                body: dict[str, Any] = {"multipart": values} if form["upload"] else {"form": values}
                answer = self.page.request.post(
                    urljoin(at, form["action"]), headers={"origin": self.url, "referer": at}, **body
                )
                self._show(form["action"], answer)

    def _show(self, path: str, answer: APIResponse) -> None:
        if "text/html" in answer.headers.get("content-type", ""):
            self.page.set_content(answer.text())
            self._look(path)

    def _take(self, path: str) -> None:
        answer = self.page.request.get(self.url + path)
        self.files.append(path)
        kind = answer.headers.get("content-type", "")
        if answer.ok and (
            kind.startswith("text/html") or answer.headers["x-content-type-options"] != "nosniff"
        ):
            self.wrong.append(f"{path}: {kind} {answer.url}")
        if answer.ok and ".csv" in path:
            for row in csv.reader(io.StringIO(answer.body().decode("utf-8-sig"))):
                formulas = [cell for cell in row if cell.startswith(("=", "+", "@"))]
                self.wrong += [f"{path}: {cell}" for cell in formulas]


def crawled(browser: Browser, url: str, *first: str, language: str = "en") -> Crawl:
    """Sign in as `NAME` and crawl, starting at the pages `first`."""
    context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
    context.set_default_timeout(PATIENT_MS)
    context.add_cookies([{"name": "fevergate-language", "value": language, "url": url}])
    page = context.new_page()
    crawl = Crawl(url, page)

    def on_dialog(dialog: Any) -> None:
        crawl.wrong.append(f"{page.url}: {dialog.message} ran")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if request.url.endswith("/x"):
            crawl.wrong.append(f"{page.url}: an injected picture was asked for")

    page.on("dialog", on_dialog)
    page.on("request", on_request)
    page.goto(url)
    page.locator("input[name=name]").fill(NAME)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda at: "/sign-in" not in at)
    crawl.run(*first)
    context.close()
    return crawl


def _ends_the_session(form: dict[str, Any]) -> bool:
    """Whether sending a form would remove something or could change the account signed in."""
    fields = form["fields"]
    values = {form["action"]} | {
        item["value"] for item in fields if item["type"] in ("hidden", "submit")
    }
    about = {choice for item in fields for choice in item["choices"]} | values
    secret = any(item["type"] == "password" for item in fields)
    return (
        bool(NOT_PRESSED.search(form["action"]))
        or not values.isdisjoint({NAME, "remove"})
        or any(item["name"] == "old_password" for item in fields)
        or (secret and NAME in about)
    )


def _kind(path: str) -> str:
    """The kind of a page. Pages whose addresses differ only in numbers or in the values of the
    query are of one kind."""
    path, _, query = path.partition("?")
    return re.sub(r"[0-9a-f]{8,}|\d+", "N", path) + "?" + ",".join(re.findall(r"(\w+)=", query))


def _filled(item: dict[str, Any], turn: int) -> Any:
    """The value to enter into a form's field; None leaves the field out."""
    match item["type"]:
        case "hidden" | "date" | "datetime-local":
            return item["value"]
        case "password":
            return PASSWORD
        case "checkbox":
            return item["value"] if item["name"].startswith("scope") else None
        case "submit" | "radio":
            return item["value"]
        case "select-one":
            return next((value for value in reversed(item["choices"]) if value), "")
        case "file":
            text = "学号,姓名,类别,部门\n" + "".join(
                f"2026{n},{text},student,{text}\n" for n, text in enumerate(TEXTS)
            )
            return {"name": f"{TEXTS[0]}.csv", "mimeType": "text/csv", "buffer": text.encode()}
    if item["mode"] in ("decimal", "numeric"):
        return item["value"] or "38"
    text = "".join(TEXTS) if item["most"] >= 200 else TEXTS[turn % len(TEXTS)]
    return text[: item["most"]] if item["most"] > 0 else text
