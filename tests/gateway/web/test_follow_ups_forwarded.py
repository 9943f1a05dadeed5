"""The outcome of a fever reaches the campus server; names are sent only if the settings say so."""

import time

import msgspec
import pytest
from campus_helpers import HANG_S, CampusProcess
from notice_helpers import MailServer, WebServer
from samples import AT

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.protocol.messages import Identity
from fevergate.web.follow_up_forwarder import FollowUpForwarder
from fevergate.web.follow_ups import FollowUp, FollowUps
from fevergate.web_common.store import WebStore

WHO = Identity("north-1", 1, 2)
FULL = FollowUp(outcome="clinic", clinical_c=38.2, closed=True, person="王芳", phone="138")


CONTACTS = """
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "fevergate@example.edu.cn"

[[contacts]]
name = "Chen"
channel = "email"
address = "chen@example.edu.cn"

[[contacts]]
name = "Zhou"
channel = "webhook"
address = "{url}/hook"
"""


@pytest.fixture(scope="module")
def contacts():
    with MailServer() as mail, WebServer() as web:
        yield mail, web


@pytest.fixture(scope="module")
def campus(tmp_path_factory, contacts):
    mail, web = contacts
    campus = CampusProcess(tmp_path_factory.mktemp("campus") / "site")
    with (campus.folder / "campus.toml").open("a") as settings:
        settings.write(CONTACTS.format(port=mail.port, url=web.url))
    campus.start()
    yield campus
    campus.stop()


class Scene:
    """The pages' follow-ups, and a forwarder that runs when a test calls it."""

    def __init__(self, campus, folder, *, persons):
        self.campus = campus
        server = msgspec.structs.replace(campus.settings.campus_server, persons=persons)
        settings = msgspec.structs.replace(campus.settings, campus_server=server)
        self.store = WebStore(folder / "web.db")
        self.follow_ups = FollowUps(self.store, Vault(folder / KEY), lambda: AT)
        self.now = [AT]
        self.forwarder = FollowUpForwarder(settings, self.follow_ups, lambda: self.now[0])

    def item_of(self, identity=WHO):
        key = {"kiosk": identity.kiosk, "boot": identity.boot, "seq": identity.seq}
        items = [item for item in self.campus.items("follow_up") if key.items() <= item.items()]
        return items[0] if items else None


@pytest.fixture(params=[False, True], ids=["anonymous", "with names"])
def scene(request, campus, tmp_path):
    scene = Scene(campus, tmp_path, persons=request.param)
    yield scene
    scene.store.close()


def test_each_save_is_forwarded_once_and_no_name_is_stored_in_clear(scene):
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once()
    item = scene.item_of()
    assert item["outcome"] == "clinic" and item["clinical_c"] == 38.2
    assert scene.follow_ups.unforwarded(10) == []
    content = b"".join(path.read_bytes() for path in scene.campus.folder.glob("campus.db*"))
    assert "王芳".encode() not in content
    sealed = scene.campus.query("select sealed from items where kind = 'follow_up'")
    assert any(text for (text,) in sealed) == scene.forwarder._server.persons
    later = msgspec.structs.replace(FULL, outcome="home", revision=1)
    scene.follow_ups.save(WHO, later, "Zhang", reason="the mother called")
    assert scene.forwarder.once() and scene.item_of()["outcome"] == "home"
    scene.campus.query("delete from items where kind = 'follow_up'")


def test_a_confirmed_fever_reaches_the_campuss_contacts_and_no_name_does(scene, contacts):
    mail, web = contacts
    patient = Identity("north-1", 1, time.time_ns() % 2**31)
    scene.follow_ups.save(patient, FULL, "Zhang")
    saved_at = time.monotonic()
    assert scene.forwarder.once()

    def is_told():
        mails = [message for message in mail.mails if message["To"] == "chen@example.edu.cn"]
        keys = [c["key"] for _, c in web.posted if c["key"].startswith("confirmed/")]
        return any(f"/{patient.seq}/" in key for key in keys) and len(mails) >= len(keys)

    end = time.monotonic() + HANG_S
    while not is_told():
        assert time.monotonic() < end, "neither mail nor webhook came"
        time.sleep(0.05)
    print(f"told {time.monotonic() - saved_at:.1f} s after it was saved")
    assert "38.2 °C" in mail.mails[-1].get_content()
    assert "王芳" not in str([message.get_content() for message in mail.mails]) + str(web.posted)
    scene.campus.query("delete from items where kind = 'follow_up'")


def test_follow_ups_wait_while_the_server_is_away(scene):
    scene.campus.stop()
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert not scene.forwarder.once()
    assert len(scene.follow_ups.unforwarded(10)) == 1
    scene.campus.start()
    assert scene.forwarder.once() and scene.item_of()


def test_a_refused_follow_up_does_not_hold_up_the_others(scene):
    refused = Identity("NOT A NAME", 1, 1)
    scene.follow_ups.save(refused, FULL, "Zhang")
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once() and scene.item_of()
    assert [fever for fever, _ in scene.follow_ups.unforwarded(10)] == [refused]
    assert scene.forwarder.once()  # the refused one is not sent again at once


def test_under_a_new_token_follow_ups_are_sent_again(scene):
    """What the server has from the old token may come from a thief."""
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once() and scene.follow_ups.unforwarded(10) == []
    scene.follow_ups.use_token("another digest")
    assert [fever for fever, _ in scene.follow_ups.unforwarded(10)] == [WHO]
    scene.follow_ups.forwarded([(WHO, 1)])
    scene.follow_ups.use_token("another digest")
    assert scene.follow_ups.unforwarded(10) == []
