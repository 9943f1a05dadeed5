"""What became of a fever reaches the campus server; names only where the campus says so."""

import msgspec
import pytest
from campus_helpers import CampusProcess
from samples import AT

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.protocol.messages import Identity
from fevergate.web.follow_up_forwarder import FollowUpForwarder
from fevergate.web.follow_ups import FollowUp, FollowUps
from fevergate.web_common.store import WebStore

WHO = Identity("north-1", 1, 2)
FULL = FollowUp(outcome="clinic", clinical_c=38.2, closed=True, person="王芳", phone="138")


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    campus = CampusProcess(tmp_path_factory.mktemp("campus") / "site")
    campus.start()
    yield campus
    campus.stop()


class Scene:
    """The pages' follow-ups, and a forwarder that runs when told."""

    def __init__(self, campus, folder, *, persons):
        self.campus = campus
        server = msgspec.structs.replace(campus.settings.campus_server, persons=persons)
        settings = msgspec.structs.replace(campus.settings, campus_server=server)
        self.store = WebStore(folder / "web.db")
        self.follow_ups = FollowUps(self.store, Vault(folder / KEY), lambda: AT)
        self.now = [AT]
        self.forwarder = FollowUpForwarder(settings, self.follow_ups, lambda: self.now[0])

    def held(self, who=WHO):
        wanted = {"kiosk": who.kiosk, "boot": who.boot, "seq": who.seq}
        found = [one for one in self.campus.items("follow_up") if wanted.items() <= one.items()]
        return found[0] if found else None


@pytest.fixture(params=[False, True], ids=["anonymous", "with names"])
def scene(request, campus, tmp_path):
    scene = Scene(campus, tmp_path, persons=request.param)
    yield scene
    scene.store.close()


def test_each_save_is_forwarded_once_and_names_lie_open_nowhere(scene):
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once()
    held = scene.held()
    assert held["outcome"] == "clinic" and held["clinical_c"] == 38.2
    assert scene.follow_ups.unforwarded(10) == []
    content = b"".join(path.read_bytes() for path in scene.campus.folder.glob("campus.db*"))
    assert "王芳".encode() not in content
    sealed = scene.campus.query("select sealed from items where kind = 'follow_up'")
    assert any(text for (text,) in sealed) == scene.forwarder._server.persons
    later = msgspec.structs.replace(FULL, outcome="home", revision=1)
    scene.follow_ups.save(WHO, later, "Zhang", reason="the mother called")
    assert scene.forwarder.once() and scene.held()["outcome"] == "home"
    scene.campus.query("delete from items where kind = 'follow_up'")


def test_while_the_server_is_away_they_wait_and_then_come(scene):
    scene.campus.stop()
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert not scene.forwarder.once()
    assert len(scene.follow_ups.unforwarded(10)) == 1
    scene.campus.start()
    assert scene.forwarder.once() and scene.held()


def test_one_that_is_refused_does_not_hold_up_the_others(scene):
    bad = Identity("NOT A NAME", 1, 1)
    scene.follow_ups.save(bad, FULL, "Zhang")
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once() and scene.held()
    assert [who for who, _ in scene.follow_ups.unforwarded(10)] == [bad]
    assert scene.forwarder.once()  # it is not asked again at once


def test_under_a_new_token_what_was_sent_by_the_old_one_goes_again(scene):
    """What the server holds of it may be a thief's."""
    scene.follow_ups.save(WHO, FULL, "Zhang")
    assert scene.forwarder.once() and scene.follow_ups.unforwarded(10) == []
    scene.follow_ups.use_token("another digest")
    assert [who for who, _ in scene.follow_ups.unforwarded(10)] == [WHO]
    scene.follow_ups.forwarded([(WHO, 1)])
    scene.follow_ups.use_token("another digest")
    assert scene.follow_ups.unforwarded(10) == []
