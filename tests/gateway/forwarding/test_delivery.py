"""What a gateway does with the campus server's answer to a delivery."""

import httpx
import msgspec
import pytest
from samples import settings

from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.settings.gateway import CampusServerSettings

ITEMS = [Item(f"hours/{number}", 1, f'{{"key": "hours/{number}"}}') for number in range(5)]
BAD = ITEMS[3]


class Line(SummarySender):
    """A line to a server that holds what it takes, and answers `status` to whatever has `BAD`."""

    def __init__(self, status):
        super().__init__(settings(campus_server=CampusServerSettings(url="https://campus")))
        self.status = status
        self.requests = 0

    def _open(self):
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request):
        self.requests += 1
        keys = [item["key"] for item in msgspec.json.decode(request.content)["items"]]
        if BAD.key in keys:
            return httpx.Response(self.status, text="because")
        return httpx.Response(200, json={"held": keys})


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_a_server_can_never_take_is_found_refused_and_holds_up_nothing_else(status):
    sent = Line(status).send(ITEMS)
    assert sent.refused == [(BAD, "because")]
    assert sent.held == [item for item in ITEMS if item is not BAD]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 502, 503])
def test_what_a_server_cannot_take_now_is_kept_and_not_divided(status):
    line = Line(status)
    sent = line.send(ITEMS)
    assert (sent.held, sent.refused, line.requests) == ([], [], 1)
