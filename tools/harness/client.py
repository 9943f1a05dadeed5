"""An HTTPS client of the pages of a gateway or campus server."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from harness.errors import HarnessError

UP_S = 120.0
ANSWER_S = 120.0
"""Timeout of a request, long enough for a busy machine."""


def open_client(url: str, ca: Path) -> httpx.Client:
    """A client, not signed in, that trusts only the authority in `ca`."""
    context = ssl.create_default_context(cafile=str(ca))
    return httpx.Client(base_url=url, verify=context, timeout=ANSWER_S)


def wait_until_up(
    client: httpx.Client, patience_s: float = UP_S, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Wait until a server answers, calling `meanwhile` between tries. Raises `HarnessError` after
    `patience_s`."""
    until = time.monotonic() + patience_s
    while True:
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx.HTTPError as error:
            if time.monotonic() > until:
                raise HarnessError(f"{client.base_url}: does not come up: {error}") from error
        meanwhile()
        time.sleep(0.05)


def fetched(client: httpx.Client, path: str) -> tuple[float, httpx.Response]:
    """Fetch a page; returns the time taken (ms) and the page. Raises `HarnessError` unless the
    status is 200."""
    began = time.perf_counter()
    answer = client.get(path)
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise HarnessError(f"{path}: {answer.status_code}")
    return took_ms, answer


def post_form(client: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    """Send a form as a browser does, with its Origin; returns the response."""
    origin = str(client.base_url).rstrip("/")
    return client.post(path, data=form, headers={"Origin": origin})


def sign_in(client: httpx.Client, name: str, password: str) -> None:
    """Sign in. Raises `HarnessError` if refused."""
    answer = post_form(client, "/sign-in", {"name": name, "password": password})
    if answer.status_code != 303:
        raise HarnessError(f"/sign-in: {answer.status_code}, expected to be let in")
