"""What a gateway does with the campus server's answer to a delivery."""

from concurrent.futures import Future
from contextlib import closing

import httpx
import msgspec
import pytest
from samples import AT, arrived, settings

from fevergate.forwarding import forwarder
from fevergate.forwarding.forwarder import (
    BACKOFF_MAX_S,
    GIVE_UP,
    REFUSED_MAX_S,
    REFUSED_S,
    CampusThread,
    Forwarder,
)
from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.protocol.campus_messages import MOST_CORRECTIONS, Delivery, GatewayDay
from fevergate.settings.gateway import CampusServerSettings
from fevergate.storage import outbox
from fevergate.storage.epochs import epoch_of, note_token
from fevergate.storage.store import Store

SETTINGS = settings(campus_server=CampusServerSettings(url="https://campus/"))
ITEMS = [Item(f"hours/{number}", 1, f'{{"key": "hours/{number}"}}') for number in range(5)]
BAD = ITEMS[3]


class Line(SummarySender):
    """A line to a server that answers `status` to each delivery with an item of `bad`, and holds
    the items of other deliveries. Its refusal names no item (`names` is None), the first bad one
    (True) or the numbers in `names`."""

    def __init__(self, status, names=None, bad_items=(BAD,)):
        super().__init__(SETTINGS)
        self.status, self.names = status, names
        self.bad_keys = [item.key for item in bad_items]
        self.requests = 0

    def _open(self):
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request):
        self.requests += 1
        keys = [item["key"] for item in msgspec.json.decode(request.content)["items"]]
        bad_numbers = [number for number, key in enumerate(keys) if key in self.bad_keys]
        if bad_numbers:
            if self.names is None:
                return httpx.Response(self.status, text="why" * 1000)
            named_numbers = bad_numbers[:1] if self.names is True else self.names
            return httpx.Response(self.status, json={"error": {"items": named_numbers}})
        return httpx.Response(200, json={"held": keys})


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_a_server_can_never_take_is_found_refused_and_holds_up_nothing_else(status):
    sent = Line(status).send(ITEMS)
    assert sent.refused == [(BAD, ("why" * 1000)[:500])]
    assert sent.held == [item for item in ITEMS if item is not BAD]


def test_of_a_servers_refusal_its_field_and_reason_are_kept():
    error = {"field": "$.items[0].gate", "reason": "Expected `str`", "items": [0]}
    line = Line(422)
    line._client = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(422, json={"error": error}))
    )
    assert line.send([BAD]).refused == [(BAD, "$.items[0].gate: Expected `str`")]


def test_when_a_server_names_a_refused_item_the_others_are_sent_again_at_once():
    line = Line(422, names=True)
    sent = line.send(ITEMS)
    assert [item for item, _ in sent.refused] == [BAD] and len(sent.held) == len(ITEMS) - 1
    assert line.requests == 2


@pytest.mark.parametrize("names", [None, True], ids=["names none", "names one at a time"])
def test_each_of_several_that_a_server_can_never_take_is_refused(names):
    sent = Line(422, names, bad_items=ITEMS[1:4]).send(ITEMS)
    assert [item for item, _ in sent.refused] == ITEMS[1:4]
    assert sent.held == [ITEMS[0], ITEMS[4]]


def test_a_server_that_goes_away_while_the_wrong_item_is_looked_for_is_left_alone():
    line, answers = Line(0), [422, 503]
    transport = httpx.MockTransport(lambda _: httpx.Response(answers.pop(0)))
    line._client = httpx.Client(transport=transport)
    assert line.send(ITEMS) == ([], []) and not answers


@pytest.mark.parametrize("items", [[5], [-1], [0, 99], ["x"], [], 3])
def test_a_refused_item_is_found_though_the_server_names_none_that_was_sent(items):
    assert [item for item, _ in Line(422, names=items).send(ITEMS).refused] == [BAD]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 502, 503])
def test_what_a_server_cannot_take_now_is_kept_and_not_divided(status):
    line = Line(status)
    sent = line.send(ITEMS)
    assert (sent.held, sent.refused, line.requests) == ([], [], 1)


@pytest.mark.parametrize(
    "answer", [b"<html>", b"", b'{"v": 1, "held": 3}', b'{"v": 1, "held": ["\xff"]}']
)
def test_an_answer_that_no_campus_server_gives_holds_nothing(answer):
    line = Line(200)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
    line._client = httpx.Client(transport=transport)
    assert line.send(ITEMS) == ([], [])


def test_while_token_or_authority_cannot_be_read_nothing_is_sent(tmp_path):
    server = CampusServerSettings(url="https://campus/", ca="ca.crt")
    gateway_settings = settings(campus_server=server)
    gateway_settings.folder = tmp_path
    sender = SummarySender(gateway_settings)
    assert sender.send(ITEMS) == ([], []) and sender.token_digest == ""
    (tmp_path / "campus.token").write_text("secret")
    assert sender.send(ITEMS) == ([], [])
    server.ca = ""
    assert len(sender.token_digest) == 64


class Campus(SummarySender):
    """A line to a server that notes each delivery and holds items whose keys `holds` accepts."""

    def __init__(self, holds=lambda key: True, status=200):
        super().__init__(SETTINGS)
        self.holds, self.status = holds, status
        self.deliveries = []

    def _open(self):
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request):
        assert request.url.path == "/v1/summaries"
        delivery = msgspec.json.decode(request.content, type=Delivery)
        self.deliveries.append(delivery)
        held_keys = [item.key for item in delivery.items if self.holds(item.key)]
        return httpx.Response(self.status, json={"held": held_keys})

    def sent(self):
        return [[item.key for item in delivery.items] for delivery in self.deliveries]


class Outbox:
    """A store and its forwarder, which sends to `campus` only when a test runs it."""

    def __init__(self, store, campus):
        self.store, self.now, self.sure = store, AT + 3600, True
        self.forwarder = Forwarder(SETTINGS, self.submit, lambda: self.now, lambda: self.sure)
        self.forwarder._sender = campus

    def submit(self, work):
        future = Future()
        future.set_result(work(self.store))
        return future

    def rows(self):
        return list(self.store.db.query("select key, attempts, next_at from outbox order by key"))


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "fevergate.db")) as store:
        yield store


def test_a_forwarder_that_ends_closes_its_line(store):
    campus = Campus()
    store.commit([arrived(1)])
    box = Outbox(store, campus)
    assert box.forwarder.once()
    box.forwarder.stop()
    assert campus._client is not None and campus._client.is_closed


def test_fevers_go_first(store, monkeypatch):
    monkeypatch.setattr(forwarder, "BATCH", 1)
    campus = Campus()
    store.commit([arrived(1), arrived(2, "fever")])
    assert Outbox(store, campus).forwarder.once()
    (first,), *others = campus.sent()
    assert first == "fever/north-1/1/2" and len(others) == 2


def test_what_the_server_does_not_say_it_holds_is_kept(store):
    campus = Campus(holds=lambda key: key.startswith("fever/"))
    store.commit([arrived(1), arrived(2, "fever")])
    box = Outbox(store, campus)
    assert not box.forwarder.once()
    assert [row["key"].split("/")[0] for row in box.rows()] == ["day", "hour"]
    assert len(campus.deliveries) == 1, "asked again in the next round"


def test_what_waits_longest_goes_first(store, monkeypatch):
    monkeypatch.setattr(forwarder, "BATCH", 1)
    campus = Campus(status=503)
    box = Outbox(store, campus)
    for kiosk in ("north-2", "north-1"):
        store.commit([arrived(1, kiosk=kiosk)])
        assert not box.forwarder.once()
        box.now += 60
    campus.status = 200
    campus.deliveries.clear()
    box.sure = False
    assert box.forwarder.once()
    assert [key.split("/")[1] for (key,) in campus.sent()] == ["north-2"] * 2 + ["north-1"] * 2


def test_what_changes_while_it_is_sent_is_sent_again(store):
    later = [[arrived(2)]]

    def holds(_key):
        if later:
            store.commit(later.pop())
            assert box.forwarder._materialise(store) is False
        return True

    campus = Campus(holds)
    store.commit([arrived(1)])
    box = Outbox(store, campus)
    assert box.forwarder.once()
    counts = [
        item.normal
        for delivery in campus.deliveries
        for item in delivery.items
        if item.key[:4] == "hour"
    ]
    assert counts == [1, 2]


@pytest.mark.parametrize("status", [200, 422])
def test_a_delivery_of_counts_names_their_own_epoch_and_the_present_one(store, status):
    """The counts of both epochs have the same keys."""
    campus = Campus(status=503)
    box = Outbox(store, campus)
    box.sure = False
    began = epoch_of(store.db)
    store.commit([arrived(1)])
    assert not box.forwarder.once()
    store.reopen()
    present = epoch_of(store.db)
    store.commit([arrived(2)])
    campus.status = status
    campus.deliveries.clear()
    assert box.forwarder.once()
    assert {(delivery.epoch, delivery.present) for delivery in campus.deliveries} == {
        (began, present),
        (present, present),
    }
    assert len(box.rows()) == (4 if status == 422 else 0)


def test_what_is_refused_for_good_is_kept_and_sent_ever_more_rarely(store):
    campus = Campus(status=422)
    store.commit([arrived(1)])
    box, waits = Outbox(store, campus), []
    box.sure = False  # otherwise days would be stated too
    assert box.forwarder.once()
    for _ in range(GIVE_UP - 1):
        before, box.now = box.now, box.rows()[0]["next_at"]
        waits.append(box.now - before)
        assert box.forwarder.once()
    assert waits[:6] == [REFUSED_S * 2**n for n in range(5)] + [REFUSED_MAX_S]
    sent, box.now = len(campus.deliveries), box.now + 366 * 86400
    assert box.forwarder.once() and len(campus.deliveries) == sent
    assert len(box.rows()) == 2, "no day is lost"
    campus.status = 200
    box = Outbox(store, campus)
    box.sure = False
    assert box.forwarder.once() and box.rows() == [], "at the next start"


def test_what_is_refused_waits_an_hour_and_is_then_sent_again(store):
    campus = Campus(status=422)
    store.commit([arrived(1)])
    box = Outbox(store, campus)
    assert box.forwarder.once() and box.forwarder.once()
    at = AT + 3600 + REFUSED_S
    assert [(row["attempts"], row["next_at"]) for row in box.rows()] == [(1, at), (1, at)]
    box.now, before, campus.status = at, len(campus.deliveries), 200
    assert box.forwarder.once() and box.rows() == []
    assert len(campus.deliveries) == before + 1


def test_all_changes_go_into_the_outbox_however_many(store, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH_ROWS", 2)
    campus = Campus()
    store.commit([arrived(n, at=AT + 3600 * n) for n in range(1, 8)])
    box = Outbox(store, campus)
    box.now = AT + 86400
    assert box.forwarder.once()
    sent = {key for keys in campus.sent() for key in keys if key.startswith("hour/")}
    assert len(sent) == 7


def test_under_a_new_token_the_last_weeks_are_forwarded_again(store):
    campus = Campus()
    store.commit([arrived(seq, at=AT - days * 86400) for seq, days in ((1, 90), (2, 3))])
    box = Outbox(store, campus)
    for token in ("old", "old", "new"):
        note_token(store, token, box.now)
        campus.deliveries.clear()
        assert box.forwarder.once()
        hours = {key for keys in campus.sent() for key in keys if key.startswith("hour/")}
        days = {key for keys in campus.sent() for key in keys if key.startswith("gateway_day/")}
        if token == "new":
            assert len(hours) == 1 and 60 < len(days) < 64


def test_days_between_those_of_a_backlog_are_stated_too(store):
    store.commit([arrived(seq, at=AT - days * 86400) for seq, days in ((1, 90), (2, 3))])
    assert Outbox(store, Campus()).forwarder.once()
    assert store.db["stated"].count == 90


def test_a_late_reading_is_stated_once_the_clock_is_no_longer_in_doubt(store):
    campus = Campus()
    box = Outbox(store, campus)
    for seq, box.sure in enumerate((True, False), 1):
        store.commit([arrived(seq, at=AT - 86400 + seq)])
        assert box.forwarder.once()
    box.sure = True
    assert box.forwarder.once()
    days = [
        item
        for delivery in campus.deliveries
        for item in delivery.items
        if isinstance(item, GatewayDay)
    ]
    assert [sum(kiosk.normal for kiosk in day.kiosks) for day in days] == [1, 2]


def test_all_days_are_stated_however_many(store, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_DAYS", 2)
    store.commit([arrived(1, at=AT - 10 * 86400)])
    assert Outbox(store, Campus()).forwarder.once()
    assert store.db["stated"].count == 10


def test_of_many_corrections_the_newest_are_told():
    campus = Campus()
    epochs = [f"{number:016x}" for number in range(MOST_CORRECTIONS + 50)]
    payload = '{"type": "day", "kiosk": "a", "gate": "b", "date": "2026-11-26", "revision": 1}'
    campus.send([Item("day/a", 1, payload, "", " ".join(epochs))])
    assert campus.deliveries[0].corrected_by == tuple(epochs[-MOST_CORRECTIONS:])


def test_a_server_that_stays_away_is_asked_seldom_and_never_more_often_than_is_set():
    class Thread(CampusThread):
        works = False

        def once(self):
            return self.works

    thread = Thread(SETTINGS, lambda: AT)
    waits = [thread.tick() or 0.0 for _ in range(2000)]
    assert min(waits) == 60.0 and 150.0 <= waits[-1] <= BACKOFF_MAX_S
    thread.works = True
    assert thread.tick() is None
    thread.works = False
    assert thread.tick() == 60.0
