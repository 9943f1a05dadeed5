"""The board's `ssl` module: the host's mbedTLS, with certificates also checked at the board's date.

On a board mbedTLS uses the board's clock (`platform_mbedtls_time` in ports/esp32/main.c); the
host's build uses the host's clock. So the dates of each certificate in the chain, including the
trusted authority's, are checked again by mbedTLS's rule (x509_crt.c, `x509_crt_verify_chain`). A
refusal raises the same error as extmod/modtls_mbedtls.c. A certificate refused at the host's date
stays refused. Everything else is micropython-lib's `ssl`, which boards have.
"""

import io
import select
import ssl

import clock
from micropython import const

CERT_NONE = ssl.CERT_NONE
CERT_OPTIONAL = ssl.CERT_OPTIONAL
CERT_REQUIRED = ssl.CERT_REQUIRED
PROTOCOL_TLS_CLIENT = ssl.PROTOCOL_TLS_CLIENT
PROTOCOL_TLS_SERVER = ssl.PROTOCOL_TLS_SERVER
MBEDTLS_VERSION = ssl.MBEDTLS_VERSION

_POLL = const(3)  # MP_STREAM_POLL
_FATAL = const(-0x3000)  # MBEDTLS_ERR_X509_FATAL_ERROR, the result of a refusing callback
_EXPIRED = "The certificate validity has expired\n"
_FUTURE = "The certificate validity starts in the future\n"


def _content(der, at):
    """(start, end) of the content of the DER element at `at`."""
    size = der[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(bytes(der[at : at + count]), "big")
        at += count
    return at, at + size


def _digits(der, at):
    """An X.509 time (RFC 5280, 4.1.2.5) as the string YYYYMMDDHHMMSS."""
    start, end = _content(der, at)
    text = bytes(der[start : end - 1]).decode()
    if len(text) == 12:  # UTCTime: 1950 to 2049
        text = ("20" if text < "50" else "19") + text
    return text


def validity(der):
    """(notBefore, notAfter) of a certificate in DER, as YYYYMMDDHHMMSS."""
    at, _ = _content(der, 0)
    at, _ = _content(der, at)
    if der[at] == 0xA0:  # the version
        at = _content(der, at)[1]
    for _ in range(3):  # serial number, algorithm, issuer
        at = _content(der, at)[1]
    at, _ = _content(der, at)
    return _digits(der, at), _digits(der, _content(der, at)[1])


def _explained(name):
    """A method of a TLS stream that raises a board's errors for a refused certificate."""

    def call(self, *arguments):
        try:
            return getattr(self._stream, name)(*arguments)
        except OSError as error:
            self._context.explain(error)

    return call


class _Stream(io.IOBase):
    """A TLS stream that raises a board's errors."""

    def __init__(self, stream, context):
        self._stream = stream
        self._context = context
        self.setblocking = stream.setblocking
        self.close = stream.close

    read = _explained("read")
    readinto = _explained("readinto")
    readline = _explained("readline")
    write = _explained("write")

    def ioctl(self, request, argument):
        """Answer `select.poll` (MP_STREAM_POLL)."""
        if request != _POLL:
            return 0
        poll = select.poll()
        poll.register(self._stream, argument)
        ready = poll.poll(0)
        return ready[0][1] if ready else 0


class SSLContext(ssl.SSLContext):
    """TLS context that checks certificates at the board's date too."""

    def __init__(self, protocol):
        super().__init__(protocol)
        self._context.verify_callback = self._verify
        self._wrong = [False, False]  # expired, begins in the future
        self._refused = ""

    def wrap_socket(
        self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None
    ):
        """Start TLS over a connected socket."""
        try:
            stream = super().wrap_socket(
                sock, server_side, do_handshake_on_connect, server_hostname
            )
        except OSError as error:
            self.explain(error)
        return _Stream(stream, self)

    def _verify(self, der, depth):
        """Check one certificate; a result other than 0 ends the handshake.

        It is called for each certificate, from the trusted one down to the peer's. At the peer's,
        depth 0, the faults of all certificates are combined."""
        begins, ends = validity(der)
        now = "%04d%02d%02d%02d%02d%02d" % clock.gmtime()[:6]
        wrong = self._wrong
        wrong[0] |= now > ends
        wrong[1] |= begins > now
        if depth:
            return 0
        self._wrong = [False, False]
        self._refused = (_EXPIRED if wrong[0] else "") + (_FUTURE if wrong[1] else "")
        return _FATAL if self._refused and self.verify_mode == CERT_REQUIRED else 0

    def explain(self, error):
        """Raise the exception that a board raises for `error`."""
        refused, self._refused = self._refused, ""
        if refused and error.errno == _FATAL:
            raise ValueError("\n" + refused)
        raise error
