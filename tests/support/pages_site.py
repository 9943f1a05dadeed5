"""The pages of a gateway that has seen a fever, used without a browser, and people who sign in."""

import re
from functools import partial

from argon2 import PasswordHasher
from samples import AT, arrived, settings
from starlette.testclient import TestClient

from fevergate.crypto.pki import ensure_authority
from fevergate.protocol.messages import Identity
from fevergate.storage.records import Acknowledged
from fevergate.storage.store import Store
from fevergate.web.app import Pages

GOOD = "correct horse 电池"
FEVER = "/fevers/north-1/1/2"
WHO = Identity("north-1", 1, 2)
DAY = "2026-11-23"
OURS = {"origin": "https://pages"}

quick = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)


class Site:
    """`李伟` administers, `Zhang` is a guard; north-1 saw a fever on `DAY`."""

    def __init__(self, folder, **fields):
        self.settings = settings(**fields)
        self.settings.folder = folder
        (folder / "gateway.password").write_text("x")
        ensure_authority(folder, "east")  # the line to the broker asks for its certificate
        self.gateway = Store(folder / "fevergate.db")
        self.gateway.commit([arrived(1), arrived(2, "fever", body_c=38.4), arrived(3)])
        self.gateway.commit([Acknowledged((WHO,), "Zhang", AT + 130)])
        self.pages = Pages(self.settings)
        self.pages.accounts.begin(self.pages.accounts.invite(), "李伟", GOOD)
        self.pages.accounts.add("Zhang", GOOD, "guard")

    def close(self):
        self.gateway.close()
        self.pages.close()

    def client(self, name=None, language="en"):
        client = TestClient(self.pages.app, base_url="https://pages", follow_redirects=False)
        client.cookies.set("fevergate-language", language)
        if name:
            form = {"name": name, "password": GOOD}
            assert client.post("/sign-in", data=form, headers=OURS).status_code == 303
        return client

    def program(self, *scopes):
        """A client with a token that has these scopes."""
        client = TestClient(self.pages.app, base_url="https://pages")
        secret = self.pages.tokens.issue("program", scopes, 1, "李伟")
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    def audit(self):
        return [(entry.user, entry.action, entry.what) for entry in self.pages.store.audit(1000)]


def csrf(client, path=FEVER):
    match = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert match
    return match[1]


def post(client, path, page=None, **form):
    """Send a form to `path`, with the hidden fields that `page` (by default `path`) has in its
    forms."""
    hidden = re.findall(
        r'type="hidden" name="(csrf|revision|version)" value="([^"]+)"',
        client.get(page or path).text,
    )
    data = dict(hidden) | form
    return client.post(path, data=data, headers=OURS)
