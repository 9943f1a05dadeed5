"""A client that holds connections to the pages open delays no other client."""

import socket
import threading
import time

import pytest
import uvicorn

from fevergate.web_common import https_server
from harness.broker import free_port

PATIENCE_S = 60
"""Time after which something counts as hung; far longer than anything takes."""

REQUEST = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"


async def page(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


@pytest.fixture
def port():
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            page, port=port, http=https_server.BoundedProtocol, lifespan="off", log_config=None
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


def visitor(port, *pieces):
    line = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    for piece in pieces:
        line.sendall(piece)
    return line


def hung_up(line):
    """Wait until the server has closed the connection."""
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


def served(line):
    """Read one answer to its end; return whether its status is 200."""
    content = b""
    while not content.endswith(b"0\r\n\r\n"):
        content += line.recv(1000) or b"\r\n0\r\n\r\n"
    return content.startswith(b"HTTP/1.1 200")


def is_served(port):
    with visitor(port, REQUEST) as line:
        return served(line)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ga",
        b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 1000\r\n\r\nbegun",
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_a_request_that_does_not_end_is_hung_up(port, monkeypatch, beginning):
    with monkeypatch.context() as soon:
        soon.setattr(https_server, "REQUEST_TIMEOUT_S", 0.2)
        with visitor(port, beginning) as line:
            assert hung_up(line)
    assert is_served(port)


def test_a_request_in_pieces_and_the_next_one_are_answered_and_half_a_request_is_not(
    port, monkeypatch
):
    with visitor(port, REQUEST[:10], REQUEST[10:]) as line:
        assert served(line)
        line.sendall(REQUEST)
        assert served(line)
        # But half a request after those is hung up.
        monkeypatch.setattr(https_server, "REQUEST_TIMEOUT_S", 0.2)
        line.sendall(REQUEST[:10])
        assert hung_up(line)


def test_one_address_cannot_use_up_all_connections(port, monkeypatch):
    monkeypatch.setattr(https_server, "MAX_PER_ADDRESS", 3)
    monkeypatch.setattr(https_server, "_key_of", lambda address: "guest")
    lines = [visitor(port) for _ in range(3)]
    with visitor(port) as refused:
        assert hung_up(refused)
    for line in lines:
        line.sendall(REQUEST)
        assert served(line)
        line.close()
    until = time.monotonic() + PATIENCE_S
    while not answered_if_let_in(port):
        assert time.monotonic() < until
        time.sleep(0.02)


def answered_if_let_in(port):
    try:
        return is_served(port)
    except ConnectionError:
        return False


def test_addresses_of_one_ipv6_network_count_as_one_client():
    assert https_server._key_of("10.0.0.7") == "10.0.0.7"
    assert https_server._key_of("2001:db8:1:2::7") == https_server._key_of("2001:db8:1:2:ffff::1")
    assert https_server._key_of("2001:db8:1:2::7") != https_server._key_of("2001:db8:1:3::7")
    assert (
        https_server._key_of("127.0.0.1")
        == https_server._key_of("::1")
        == https_server._key_of("unix")
        == ""
    )
