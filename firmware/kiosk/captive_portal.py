"""Captive portal of a board without settings: a DNS and an HTTP server that lead to the setup page.

The DNS server answers every name with the board's address (RFC 1035); the HTTP server has three
paths. Both are bounded in bytes, time and clients, because any device nearby may send anything.
"""

import asyncio
import json
import select
import socket

_REQUEST_MAX = 8192
_CLIENTS_MAX = 4
_PATIENCE_S = 10
_DNS_POLL_MS = 50
_DNS_AT_ONCE = 8  # queries answered before HTTP gets its turn
_DNS_MAX = 512
_OF_ADDRESSES = (b"\x00\x01", b"\x00\xff")  # query types A and ANY
_PIECE = 1024


def dns_answer(query, address):
    """The answer to a DNS query for one name. It holds `address` (4 bytes), or no data if another
    type than A is asked for (such as IPv6; RFC 2308, 2.2). None for any other packet."""
    if not 17 <= len(query) <= _DNS_MAX or query[2] & 0x80 or query[4:6] != b"\x00\x01":
        return None
    at = 12
    while query[at]:
        at += 1 + query[at]
        if at + 5 > len(query) or query[at] > 63:
            return None
    question = query[12 : at + 5]
    if question[-4:-2] not in _OF_ADDRESSES:
        return query[:2] + b"\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" + question
    answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + address
    return query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question + answer


async def serve_dns(host, port, address):
    """Answer every DNS query with `address` (4 bytes), for ever."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind(socket.getaddrinfo(host, port)[0][-1])
        udp.setblocking(False)
        poll = select.poll()
        poll.register(udp, select.POLLIN)
        while True:
            await asyncio.sleep_ms(_DNS_POLL_MS)
            for _ in range(_DNS_AT_ONCE):
                if not poll.poll(0) or not _answer_one(udp, address):
                    break
    finally:
        udp.close()  # a board has few sockets, and the caller starts the server again


def _answer_one(udp, address):
    try:
        query, asker = udp.recvfrom(_DNS_MAX)
        answer = dns_answer(query, address)
        if answer:
            udp.sendto(answer, asker)
    except OSError:
        return False
    return True


class SetupServer:
    """HTTP server of the setup page.

    `page` is served only to requests for `host`. `state(seen)` returns the values that `/state`
    answers as JSON; `seen` is whether the page has shown the last result. `submit(dict)` takes the
    settings and returns an error text or "".
    """

    def __init__(self, page, host, state, submit):
        self._page = page
        self._host = host
        self._state = state
        self._submit = submit
        self._clients = 0

    async def serve(self, reader, writer):
        """Answer the one request of a connection, then close it."""
        self._clients += 1
        try:
            if self._clients <= _CLIENTS_MAX:
                await asyncio.wait_for(self._answer(reader, writer), _PATIENCE_S)
        except (OSError, ValueError, asyncio.TimeoutError):
            pass  # a malformed or slow request gets no answer
        finally:
            self._clients -= 1
            try:
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass

    async def _answer(self, reader, writer):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = await reader.read(_PIECE)
            if not piece or len(request) > _REQUEST_MAX:
                return await _send(writer, "400 Bad Request")
            request += piece
        end = request.index(b"\r\n\r\n")
        head, body = request[:end].decode(), request[end + 4 :]
        parts = head.split("\r\n")[0].split(" ")
        if len(parts) != 3:
            return await _send(writer, "400 Bad Request")
        path = parts[1].split("?")[0]
        # Our DNS sends every host name here, so the Host header may name another site.
        ours = _header(head, "host").split(":")[0] == self._host
        if parts[0] == "POST" and path == "/settings":
            if not ours:
                return await _send(writer, "421 Misdirected Request")
            if _header(head, "content-type") != "application/json":
                # Another site's page cannot send JSON without a preflight, which is refused.
                return await _send(writer, "415 Unsupported Media Type")
            size = int(_header(head, "content-length") or 0)
            return await self._take(reader, writer, size, body)
        if parts[0] != "GET":
            return await _send(writer, "405 Method Not Allowed")
        if ours and path == "/":
            return await _send_page(writer, self._page)
        if ours and path == "/state":
            return await _send_json(writer, self._state(parts[1].endswith("?seen")))
        # A phone's check for internet access is redirected, so the phone opens the page.
        return await _send(writer, "302 Found\r\nLocation: http://%s/" % self._host)

    async def _take(self, reader, writer, size, body):
        if size > _REQUEST_MAX:
            return await _send(writer, "413 Content Too Large")
        while len(body) < size:
            piece = await reader.read(min(_PIECE, size - len(body)))
            if not piece:
                return await _send(writer, "400 Bad Request")
            body += piece
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        return await _send_json(writer, {"error": self._submit(message)})


def _header(head, key):
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == key:
            return value.strip()
    return ""


async def _send_page(writer, text):
    """Send the page, encoded piece by piece: encoded as a whole, it would be in memory twice."""
    starts = range(0, len(text), _PIECE)
    size = sum([len(text[start : start + _PIECE].encode()) for start in starts])
    await _send_head(writer, "200 OK", size, "text/html; charset=utf-8")
    for start in starts:
        writer.write(text[start : start + _PIECE].encode())
        await writer.drain()


async def _send_json(writer, values):
    await _send(writer, "200 OK", json.dumps(values).encode(), "application/json; charset=utf-8")


async def _send(writer, status, body=b"", kind="text/plain"):
    await _send_head(writer, status, len(body), kind)
    for start in range(0, len(body), _PIECE):
        writer.write(body[start : start + _PIECE])
        await writer.drain()


async def _send_head(writer, status, size, kind):
    writer.write(
        (
            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n" % (status, kind, size)
        ).encode()
    )
    await writer.drain()
