"""Which people, tokens and forms get through to a page or to the API."""

import io
import tempfile

import httpx
import pytest
from pages_site import GOOD, OURS, quick
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fevergate.web_common.accounts import MAX_IDLE_S, Accounts
from fevergate.web_common.middleware import (
    COOKIE,
    MAX_FIELDS,
    MAX_FORM_BYTES,
    REFRESH,
    AccessMiddleware,
    actor_of,
    form_of,
    upload_of,
)
from fevergate.web_common.store import WebStore
from fevergate.web_common.tokens import Tokens

MOST = 2_000_000
"""Largest upload, bytes; more than starlette keeps in memory by default."""


async def look(request):
    session = request.state.session or getattr(request.state, "token", None)
    return PlainTextResponse(actor_of(request) if session else "")


async def refuse(_request, error):
    return PlainTextResponse("", error.status_code)


async def form(request):
    return JSONResponse(await form_of(request, int(request.query_params.get("most", MAX_FIELDS))))


async def upload(request):
    fields, name, content = await upload_of(request, MOST)
    return JSONResponse([sorted(fields.items()), name, len(content)])


class Door:
    """An application that answers every path with the caller's name, and takes forms and files."""

    def __init__(self, folder):
        self.at = 1_795_400_000.0
        self.store = WebStore(folder / "web.db", lambda: self.at)
        self.accounts = Accounts(self.store, lambda: self.at, quick())
        self.accounts.begin(self.accounts.invite(), "Li", GOOD)
        self.accounts.add("Zhang", GOOD, "guard")
        self.accounts.add("Chen", GOOD, "tutor", ["A"])
        self.tokens = Tokens(self.store, lambda: self.at)
        self.app = Starlette(
            routes=[
                Route("/form", form, methods=["POST"]),
                Route("/sign-in", form, methods=["POST"]),
                Route("/file", upload, methods=["POST"]),
                Route("/{path:path}", look, methods=["GET", "POST", "PUT"]),
            ],
            exception_handlers={HTTPException: refuse},
        )
        self.app.add_middleware(AccessMiddleware, self.accounts, self.tokens)

    def client(self, name=None):
        client = TestClient(self.app, base_url="https://pages", follow_redirects=False)
        if name:
            client.cookies.set(COOKIE, self.accounts.sign_in(name, GOOD))
        return client

    def csrf(self, client):
        session = self.accounts.session(client.cookies[COOKIE])
        assert session
        return session.csrf


@pytest.fixture
def door(tmp_path):
    door = Door(tmp_path)
    yield door
    door.store.close()


@pytest.fixture
def guard(door):
    return door.client("Zhang")


@pytest.mark.parametrize(
    ("method", "path", "status", "where"),
    [
        ("GET", "/", 303, "/sign-in"),
        ("GET", "/board/a?page=1", 303, "/sign-in?to=%2Fboard%2Fa%3Fpage%3D1"),
        ("GET", "/board/a", 303, "/sign-in?to=%2Fboard%2Fa"),
        ("HEAD", "/board/a", 303, "/sign-in?to=%2Fboard%2Fa"),
        ("GET", "/board/a/events", 401, None),
        ("POST", "/board/a", 401, None),
        ("GET", "/api/v1/log", 401, None),
        ("GET", "/sign-in/", 303, "/sign-in?to=%2Fsign-in%2F"),
        ("GET", "/static/x", 200, None),
        ("GET", "/healthz", 200, None),
    ],
)
def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page_or_refused(
    door, method, path, status, where
):
    answer = door.client().request(method, path)
    assert (answer.status_code, answer.headers.get("location")) == (status, where)
    assert (answer.headers.get("www-authenticate") == "Bearer") == path.startswith("/api/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "seen_by"),
    [
        ("/", "Li Zhang Chen"),
        ("/roll", "Li Zhang Chen"),
        ("/roll/A", "Li Zhang Chen"),
        ("/roll.xlsx", "Li Zhang Chen"),
        ("/rollback", "Li Zhang"),
        ("/account/other", "Li Zhang"),
        ("/language", "Li Zhang Chen"),
        ("/api/v1/roll", "Li Zhang Chen"),
        ("/api/v1/roll/A", "Li Zhang Chen"),
        ("/api/v1/log", "Li Zhang"),
        ("/board/a", "Li Zhang"),
        ("/admin/log", "Li"),
        ("/admin", "Li"),
    ],
)
def test_each_role_sees_what_is_for_it(door, path, seen_by):
    readers = [name for name in ("Li", "Zhang", "Chen") if door.client(name).get(path).text == name]
    assert readers == seen_by.split()


@pytest.mark.parametrize(
    ("kind", "path", "answer"),
    [
        ("Bearer", "/api/v1/log", "token clinic"),
        ("bearer", "/api/v1/log", "token clinic"),
        ("Basic", "/api/v1/log", None),
        ("Bearer", "/board/a", None),
    ],
)
def test_a_token_opens_the_api_alone(door, kind, path, answer):
    secret = door.tokens.issue("clinic", ["log"], 1, "Li")
    response = door.client().get(path, headers={"Authorization": f"{kind} {secret}"})
    assert (response.text if response.status_code == 200 else None) == answer


def test_a_page_that_asks_for_itself_again_keeps_no_session_open(door):
    client = door.client("Li")
    for headers, answer in (({}, "Li"), ({REFRESH: "1"}, "Li"), ({REFRESH: "1"}, "")):
        assert client.get("/board/a", headers=headers).text == answer
        door.at += MAX_IDLE_S["administrator"] * 0.6


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("headers", "through"),
    [
        ({}, True),
        (OURS, True),
        ({"origin": "https://evil"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
    ],
)
def test_nothing_is_changed_from_another_origin(guard, method, headers, through):
    assert guard.request(method, "/board/a", headers=headers).status_code == (
        200 if through else 403
    )


@pytest.mark.parametrize("path", ["/a%00b", "/a?q=%00", "/api/a?q=%00", "/api/a%00b"])
def test_a_null_character_in_an_address_is_refused(guard, path):
    answer = guard.get(path)
    assert answer.status_code == 400
    assert (answer.headers.get("content-type") == "application/json") == path.startswith("/api/")


def test_a_form_has_the_bytes_and_fields_that_it_may_have(door, guard):
    csrf = door.csrf(guard)

    def status(fields, length, path="/form"):
        form = {f"f{number}": "" for number in range(fields - 2)} | {"csrf": csrf, "x": ""}
        form["x"] = "x" * (length - len(str(httpx.QueryParams(form))))
        answer = guard.post(path, data=form, headers=OURS)
        return answer.status_code if answer.status_code != 200 else len(answer.json())

    assert status(MAX_FIELDS, MAX_FORM_BYTES) == MAX_FIELDS
    assert status(MAX_FIELDS, MAX_FORM_BYTES + 1) == 413
    assert status(MAX_FIELDS + 1, MAX_FORM_BYTES) == 400
    twice = f"/form?most={2 * MAX_FIELDS}"
    assert status(2 * MAX_FIELDS, 2 * MAX_FORM_BYTES, twice) == 2 * MAX_FIELDS
    assert status(2 * MAX_FIELDS, 2 * MAX_FORM_BYTES + 1, twice) == 413


def test_a_form_without_a_length_or_with_a_file_is_refused(door, guard):
    data = {"csrf": door.csrf(guard)}
    kind = OURS | {"content-type": "application/x-www-form-urlencoded"}
    pieces = (piece for piece in (b"csrf=", data["csrf"].encode()))
    assert guard.post("/form", content=pieces, headers=kind).status_code == 413
    files = {"f": ("a.txt", b"x")}
    assert guard.post("/form", data=data, files=files, headers=OURS).status_code == 400


@pytest.mark.parametrize("path", ["/form", "/file"])
def test_a_forms_own_token_is_needed_and_its_text_can_be_shown(door, guard, path):
    csrf = door.csrf(guard)
    for fields, status in (
        ({"csrf": csrf, "note": "x"}, 200),
        ({"csrf": "", "note": "x"}, 403),
        ({"note": "x"}, 403),
        ({"csrf": csrf + "x"}, 403),
        ({"csrf": csrf, "note": "x\0"}, 400),
    ):
        files = {"f": ("a.txt", b"x")} if path == "/file" else None
        answer = guard.post(path, data=fields, files=files, headers=OURS)
        assert answer.status_code == status, fields


def test_who_is_not_signed_in_yet_has_no_token_of_a_form(door):
    answer = door.client().post("/sign-in", data={"name": "Zhang"}, headers=OURS)
    assert answer.json() == {"name": "Zhang"}


def test_an_uploaded_file_is_read_whole_and_never_lies_on_the_disk(door, guard, monkeypatch):
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda _: pytest.fail("on disk"))
    data = {"csrf": door.csrf(guard)}
    files = {"f": ("名单.xlsx", io.BytesIO(bytes(MOST)))}
    answer = guard.post("/file", data=data, files=files, headers=OURS)
    assert answer.json() == [[["csrf", data["csrf"]]], "名单.xlsx", MOST]


@pytest.mark.parametrize(
    ("files", "fields", "status"),
    [
        ([("f", ("a", bytes(MOST + MAX_FORM_BYTES)))], 0, 413),
        ([("f", ("a", b"x")), ("g", ("b", b"x"))], 0, 400),
        ([("f", ("a", b"x"))], MAX_FIELDS, 400),
    ],
    ids=["too large", "two files", "too many fields"],
)
def test_an_upload_that_no_page_of_ours_sends_is_refused(door, guard, files, fields, status):
    data = {"csrf": door.csrf(guard)} | {f"f{number}": "" for number in range(fields)}
    assert guard.post("/file", data=data, files=files, headers=OURS).status_code == status


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/form", 'name="a\0"'), ("/file", 'name="a\0"'), ("/file", 'name="f"; filename="a\0"')],
)
def test_a_null_character_in_a_name_is_refused(door, guard, path, kind):
    part = "--q\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n"
    body = part.format('name="csrf"', door.csrf(guard)) + part.format(kind, "x") + "--q--\r\n"
    headers = OURS | {"content-type": "multipart/form-data; boundary=q"}
    assert guard.post(path, content=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=q; charset=utf-7",
        "multipart/form-data; boundary=q; charset=undefined",
    ],
)
def test_an_upload_that_is_no_form_is_refused(guard, kind):
    body = b'--q\r\nContent-Disposition: form-data; name="+2AA-"\r\n\r\n+2AA-\r\n--q--\r\n'
    headers = OURS | ({"content-type": kind} if kind else {})
    assert guard.post("/file", content=body, headers=headers).status_code == 400
