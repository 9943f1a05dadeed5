"""Each summary reaches the campus server once, however long the server was away."""

import json
from concurrent.futures import Future
from datetime import datetime

import pytest
from campus_helpers import CampusProcess
from samples import AT, arrived, health, reading
from samples import settings as plain_settings

from fevergate.errors import SettingsError
from fevergate.forwarding import forwarder
from fevergate.forwarding.forwarder import Forwarder
from fevergate.operations.doctor import _campus
from fevergate.provision import provision
from fevergate.provision.campus import revoke_gateway
from fevergate.storage import outbox
from fevergate.storage.records import Acknowledged, HealthArrived
from fevergate.storage.store import Store


class Scene:
    """A store, a forwarder that runs only when a test runs it, and the campus server."""

    def __init__(self, campus: CampusProcess, folder) -> None:
        self.campus = campus
        self.store = Store(folder / "fevergate.db")
        self.now, self.sure = [AT + 3600], [True]
        self.forwarder = Forwarder(
            campus.settings, self.submit, lambda: self.now[0], lambda: self.sure[0]
        )

    def submit(self, work):
        future: Future = Future()
        try:
            future.set_result(work(self.store))
        except Exception as error:
            future.set_exception(error)
        return future

    def waiting(self) -> int:
        return self.store.db["outbox"].count


@pytest.fixture
def scene(tmp_path):
    campus = CampusProcess(tmp_path / "site")
    campus.start()
    scene = Scene(campus, tmp_path)
    yield scene
    campus.stop()
    scene.store.close()


def test_every_reading_is_at_the_campus_once(scene):
    scene.store.commit([arrived(seq, "fever" if seq == 3 else "normal") for seq in range(1, 8)])
    for _ in range(3):
        assert scene.forwarder.once()
    assert scene.campus.received().readings == 7
    assert scene.campus.received().fevers == 1
    assert scene.waiting() == 0


def test_the_campus_has_all_readings_of_a_store_that_was_put_back_from_a_copy(scene):
    """The gateway is not told, and gives the same revisions to other counts each time."""
    scene.store.commit([arrived(1)])
    assert scene.forwarder.once()
    scene.store.close()
    path = scene.store.path
    copy = path.read_bytes()
    for seq in (2, 3):
        path.write_bytes(copy)
        scene.store = Store(path)
        scene.store.commit([arrived(seq)])
        assert scene.forwarder.once()
        scene.store.close()
    assert scene.campus.received().readings == 3


def test_counts_of_a_store_that_lacks_the_first_correction_are_not_taken(scene):
    """The card and its copy move the same reading, each to another hour."""
    at = AT + 1
    scene.store.commit([arrived(1, "fever", at=at)])
    assert scene.forwarder.once()
    scene.store.close()
    path = scene.store.path
    copy = path.read_bytes()
    for later_s in (-7200, -86400):
        path.write_bytes(copy)
        scene.store = Store(path)
        with scene.store.transaction():
            scene.store.db.execute(
                "update readings set at = at + ?1, received_at = received_at + ?1", (later_s,)
            )
            scene.store.refresh_days()
        scene.store.commit([arrived(2)])
        assert scene.forwarder.once() and scene.waiting() == 0
        scene.store.close()
    hours = scene.campus.items("hour")
    assert {row["hour"]: row["fever"] for row in hours if row.get("fever")} == {
        (at - 7200) // 3600 * 3600: 1
    }
    (fever,) = scene.campus.items("fever")
    assert fever["at"] == at - 7200


def test_while_the_server_is_down_nothing_is_lost_and_then_nothing_doubled(scene):
    scene.store.commit([arrived(1)])
    assert scene.forwarder.once()
    scene.campus.stop()
    scene.store.commit([arrived(2), arrived(3, "fever")])
    assert not scene.forwarder.once()
    scene.store.commit([arrived(4)])
    assert not scene.forwarder.once()
    assert scene.waiting() > 0
    scene.campus.start()
    assert scene.forwarder.once()
    assert (scene.campus.received().readings, scene.waiting()) == (4, 0)


def test_a_token_that_is_revoked_in_mid_delivery_loses_nothing_and_a_new_one_goes_on(
    scene, monkeypatch
):
    """The server takes the first delivery of a backlog, not the second; the gateway runs on."""
    folder, doctor = scene.campus.folder, lambda: list(_campus(scene.campus.settings))
    monkeypatch.setattr(forwarder, "BATCH", 2)
    scene.store.commit([arrived(seq, at=AT + 3600 * seq) for seq in range(1, 8)])
    scene.now[0] = AT + 9 * 3600
    assert doctor()[0].state == "ok"
    send = scene.forwarder._send

    def revoked_after_the_first(due):
        sent = send(due)
        monkeypatch.setattr(scene.forwarder, "_send", send)
        revoke_gateway(folder, "gw-east")
        scene.campus.stop()
        scene.campus.start()
        return sent

    monkeypatch.setattr(scene.forwarder, "_send", revoked_after_the_first)
    assert not scene.forwarder.once()
    readings, waiting = scene.campus.received().readings, scene.waiting()
    assert readings < 7 and waiting > 0
    assert not scene.forwarder.once() and scene.waiting() == waiting
    (finding,) = doctor()
    assert finding.state == "failed" and "does not take this gateway's token" in finding.text[1]
    (folder / "campus.token").unlink()
    provision(
        folder,
        campus="east",
        gateway="gw-east",
        gates={"north": ["north-1"]},
        campus_server_url=scene.campus.url,
    )
    scene.campus.stop()
    scene.campus.start()
    assert scene.forwarder.once()
    assert (scene.campus.received().readings, scene.waiting()) == (7, 0)
    assert doctor()[0].state == "ok"


def test_a_server_that_stays_away_costs_old_hours_and_no_day_and_no_fever(scene, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_HOURS", 5)
    scene.campus.stop()
    for hour in range(40):
        scene.store.commit(
            [arrived(hour + 1, "fever" if hour % 10 == 0 else "normal", at=AT + hour * 3600)]
        )
        assert not scene.forwarder.once()
    keys = [key for (key,) in scene.store.db.execute("select key from outbox order by key")]
    hours = [key for key in keys if key.startswith("hour/")]
    assert len(hours) == 5 and hours[-1].endswith(str(int((AT + 39 * 3600) // 3600 * 3600)))
    assert len([key for key in keys if key.startswith("fever/")]) == 4
    days = scene.store.db.query("select payload from outbox where key like 'day/%'")
    counts = [json.loads(row["payload"]) for row in days]
    assert sum(day["normal"] + day["fever"] for day in counts) == 40
    scene.campus.start()
    assert scene.forwarder.once()
    assert (scene.waiting(), scene.campus.received().fevers) == (0, 4)


def test_a_reading_that_is_dated_late_is_counted_in_its_own_hour_and_no_other(scene):
    scene.store.commit([arrived(1, at=None, up_ms=1000)])
    assert scene.forwarder.once()
    scene.store.commit([arrived(2, at=AT - 7200, up_ms=2000)])
    assert scene.forwarder.once()
    assert scene.campus.received().readings == 2


def test_an_acknowledgement_is_forwarded_as_a_newer_revision(scene):
    scene.store.commit([arrived(1, "fever")])
    assert scene.forwarder.once()
    scene.store.commit([Acknowledged((reading(1).identity,), "李伟", AT + 60)])
    assert scene.forwarder.once()
    assert scene.campus.received().fevers == 1
    (payload,) = scene.campus.items("fever")
    assert (payload["acknowledged_by"], payload["revision"]) == ("李伟", 2)


def test_coverage_alone_is_forwarded_so_that_a_zero_can_be_believed(scene):
    scene.store.commit([HealthArrived(health(), AT, "north")])
    assert scene.forwarder.once()
    kinds = dict(
        scene.store.db.execute("select kiosk, forwarded from shares where revision = forwarded")
    )
    assert kinds == {"north-1": 1}
    assert scene.campus.received().readings == 0


def test_an_item_that_the_server_refuses_does_not_hold_up_the_others(scene):
    scene.store.commit([arrived(1), arrived(2, "fever")])
    scene.store.db.execute("update hours set gate = 'NOT A NAME'")
    scene.store.db.execute("update days set gate = 'NOT A NAME'")
    assert scene.forwarder.once()
    assert scene.campus.received().fevers == 1
    assert scene.waiting() == 2  # the hour and the day wait until they are corrected
    reasons = [reason for (reason,) in scene.store.db.execute("select refused from outbox")]
    assert all(".gate" in reason for reason in reasons)
    assert scene.forwarder.once()


def test_a_day_is_stated_once_it_is_over_with_every_kiosk_and_again_when_it_changes(scene):
    now = scene.now
    now[0] = local_midnight(AT) + 86400 + 240  # four minutes after midnight
    scene.store.commit([arrived(seq, "fever" if seq == 3 else "normal") for seq in range(1, 8)])
    assert scene.forwarder.once() and scene.campus.items("gateway_day") == []
    now[0] += 120
    assert scene.forwarder.once()
    (first_day,) = scene.campus.items("gateway_day")
    counts = {
        kiosk["kiosk"]: (kiosk.get("normal", 0), kiosk.get("fever", 0))
        for kiosk in first_day["kiosks"]
    }
    assert counts == {"north-1": (6, 1)}
    assert scene.forwarder.once()
    scene.store.commit([arrived(8)])  # from a kiosk that was offline
    assert scene.forwarder.once()
    (second_day,) = scene.campus.items("gateway_day")
    assert second_day["kiosks"][0]["normal"] == 7 and second_day["revision"] > first_day["revision"]


def test_days_on_which_nothing_came_are_stated_too(scene):
    before = AT - 10 * 86400
    scene.store.commit([arrived(1, at=before)])
    scene.now[0] = local_midnight(before) + 4 * 86400 + 3600  # the gateway was off for three days
    assert scene.forwarder.once()
    days = {day["date"]: day["kiosks"] for day in scene.campus.items("gateway_day")}
    assert list(days) == ["2026-11-13", "2026-11-14", "2026-11-15", "2026-11-16"]
    (kiosk,) = days["2026-11-15"]
    assert (kiosk["kiosk"], kiosk["normal"], kiosk["watched_minutes"]) == ("north-1", 0, 0)


def test_while_the_clock_is_in_doubt_no_day_is_over(scene):
    scene.store.commit([arrived(1)])
    scene.now[0] = AT + 40 * 365 * 86400
    scene.sure[0] = False
    assert scene.forwarder.once()
    assert scene.campus.items("gateway_day") == []
    assert scene.store.db["stated"].count == 0


def test_a_day_that_was_stated_too_early_is_stated_again_when_it_is_over(scene):
    scene.store.commit([arrived(1)])
    scene.now[0] = AT + 2 * 86400  # the clock was ahead
    assert scene.forwarder.once()
    assert scene.store.db["stated"].count == 2
    scene.now[0] = AT + 60
    scene.store.commit([arrived(2)])
    assert scene.forwarder.once()
    assert scene.store.db["stated"].count == 0
    scene.now[0] = AT + 86400
    assert scene.forwarder.once()
    days = {day["date"]: day["kiosks"] for day in scene.campus.items("gateway_day")}
    assert days[outbox._day(AT, plain_settings().zone)][0]["normal"] == 2


def local_midnight(at):
    zone = plain_settings().zone
    return datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0).timestamp() // 1


def test_a_stranger_in_the_servers_place_gets_nothing(scene, tmp_path):
    scene.store.commit([arrived(1)])
    other_campus = CampusProcess(tmp_path / "other")
    other_campus.start()
    scene.campus.settings.campus_server.url = other_campus.url
    stranger = Forwarder(scene.campus.settings, scene.submit)
    assert not stranger.once()
    assert other_campus.received().readings == 0
    other_campus.stop()


def test_without_a_campus_server_there_is_nothing_to_forward_to():
    with pytest.raises(SettingsError, match="campus_server"):
        Forwarder(plain_settings(), lambda work: Future())
