"""Fetches and decrypts a kiosk's file by a setup code, which the gateway's pages show once.

A code has 20 characters out of 32, which is 100 bits. One digest of the code is a Fernet key.
Another is the name under which the gateway keeps the kiosk's file for 15 minutes, encrypted with
that key. The connection needs no authentication: an eavesdropper or impostor does not have the key,
and a file sealed with another key is refused.

Source: github.com/fernet/spec. The gateway imports this file too.
"""

import asyncio
import binascii
import hashlib

from kiosk.card_seal import hmac
from kiosk.errors import SettingsError

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 20
PORT = 8443
_FILE_MAX = 8192
FOLDER = "/setup/"
_HEAD_MAX = 2048
_LOOK_MS = 20
_CBC = 2
_VERSION = 0x80
_LEAST = 1 + 8 + 16 + 16 + 32  # version, time, IV, a block, HMAC


def parse(text):
    """(host, port, code) from the text HOST[:PORT]/CODE, or from a link that ends in "#" and it.
    Raises `SettingsError`."""
    text = text.split("#")[-1].strip()
    place, slash, code_text = text.partition("/")
    host, _, port = place.partition(":")
    code = "".join([char for char in code_text.upper() if char not in "- "])
    port = port or str(PORT)
    if not slash or len(code) != LENGTH or [char for char in code if char not in ALPHABET]:
        raise SettingsError("setup code: expected GATEWAY/ and %d letters and digits" % LENGTH)
    for char in host:
        if not ("a" <= char.lower() <= "z" or "0" <= char <= "9" or char in ".-"):
            host = ""
            break
    if not 0 < len(host) <= 253:
        raise SettingsError("setup code: expected a host's name or address before the /")
    if len(port) > 5 or [c for c in port if not "0" <= c <= "9"] or not 0 < int(port) < 65536:
        raise SettingsError("setup code: expected a port of 1 to 65535")
    return host, int(port), code


def path_of(code):
    """URL path of a code's file on the gateway."""
    name = hashlib.sha256(b"fevergate setup name " + code.encode()).digest()[:16]
    return FOLDER + binascii.hexlify(name).decode()


def key_of(code):
    """Fernet key of a code: 16 bytes for signing, 16 for encryption."""
    return hashlib.sha256(b"fevergate setup key " + code.encode()).digest()


def unseal(sealed, code):
    """Decrypt a Fernet token with a code's key. Raises `SettingsError` if the key is wrong."""
    key = key_of(code)
    head, tag = sealed[:-32], sealed[-32:]
    if len(sealed) < _LEAST or sealed[0] != _VERSION or hmac(key[:16], head) != tag:
        raise SettingsError("setup code: what the gateway has is not sealed with it")
    import cryptolib

    plain = cryptolib.aes(key[16:], _CBC, head[9:25]).decrypt(head[25:])
    return plain[: -plain[-1]]


async def fetch(host, port, path):
    """The body of https://host:port/path, or None for status 404. Raises `OSError` or `ValueError`
    if there is no answer or another one.

    The certificate is not verified (see above): a new board has neither a certificate authority nor
    the time.
    """
    request = "GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n" % (path, host, port)
    stream = await _connected(host, port)
    answer = b""
    try:
        left = request.encode()
        while left:
            sent = stream.write(left)
            if sent:
                left = left[sent:]
            else:
                await asyncio.sleep_ms(_LOOK_MS)
        while len(answer) <= _HEAD_MAX + _FILE_MAX and not _is_whole(answer):
            piece = stream.read(1024)
            if piece is None:
                await asyncio.sleep_ms(_LOOK_MS)
            elif piece:
                answer += piece
            else:
                break
    finally:
        stream.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[9:12] if head[:7] == b"HTTP/1." else b""
    if status == b"404":
        return None
    if status != b"200" or len(body) > _FILE_MAX:
        raise OSError("not a gateway's answer")
    return body


def _is_whole(answer):
    """Whether the body has the length of the Content-Length header. The end of a TLS stream cannot
    be used: MicroPython's `read` reports it once, and not if it came with the last bytes."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"\r\ncontent-length:")
    return bool(gap and length) and len(body) >= int(length.split(b"\r\n")[0])


async def _connected(host, port):
    """A non-blocking TLS stream, whose handshake runs in the first reads and writes. Raises
    `OSError`."""
    import errno
    import select
    import socket
    import ssl

    from kiosk.address import is_address
    from kiosk.dns import find

    address = host if is_address(host) else await find(host)
    if address is None:
        raise OSError("no address for %s" % host)
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        try:
            raw.connect(socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(raw, select.POLLOUT)
        events = poll.poll(0)
        while not events:
            await asyncio.sleep_ms(_LOOK_MS)
            events = poll.poll(0)
        if events[0][1] & (select.POLLERR | select.POLLHUP):
            raise OSError(errno.ECONNREFUSED)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_NONE
        stream = context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        stream.setblocking(False)
    except BaseException:  # including cancellation by a time limit
        raw.close()
        raise
    return stream
