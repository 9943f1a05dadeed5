"""TLS to the broker: verification by the settings' broker name, no delay, buffered records.

paho reads byte by byte and writes each packet separately. Over TLS, every byte and every
acknowledgement would be a call into OpenSSL, so `BufferedSocket` buffers both directions.
"""

import logging
import socket
import ssl
from typing import Any

import paho.mqtt.client as mqtt

from fevergate.errors import SettingsError
from fevergate.mqtt.read_buffer import ReadBuffer
from fevergate.settings.gateway import BrokerSettings

log = logging.getLogger(__name__)

READ_BYTES = 65_536

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h: the clock is not compared with the validity of
a certificate."""


class BufferedSocket(ssl.SSLSocket):
    """Buffers reads, and writes until `flush`. For use by one thread only."""

    _ahead: ReadBuffer | None = None
    _behind: bytearray | None = None

    @property
    def ahead(self) -> ReadBuffer:
        """The buffer with bytes that were read and not taken yet."""
        if self._ahead is None:
            self._ahead = ReadBuffer()
        return self._ahead

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Do what `ssl.SSLSocket.recv` does, from the read buffer if it is not empty."""
        ahead = self.ahead
        if not ahead:
            ahead.fill(super().recv(READ_BYTES, flags))
        return ahead.take(buflen)

    def read_ahead(self) -> bool:
        """Fill the empty read buffer; returns False if nothing has come. At the end of the stream
        or after an error it returns True too; the next `recv` then reports that."""
        try:
            self.ahead.fill(super().recv(READ_BYTES))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            log.debug("reading: %s", error)
        return True

    def pending(self) -> int:
        """Bytes that can be read although the operating system's socket has none."""
        return len(self.ahead) or super().pending()

    def send(self, data: Any, flags: int = 0) -> int:
        """Append to the write buffer, which the next `flush` sends."""
        if self._behind is None:
            self._behind = bytearray()
        self._behind += data
        return len(data)

    def flush(self) -> bool:
        """Send the write buffer; returns False if a part is left for later. Raises `OSError`."""
        while self._behind:
            try:
                sent = super().send(self._behind)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            del self._behind[:sent]
        return True

    def close(self) -> None:
        """Send the write buffer, which may hold a DISCONNECT, then close."""
        try:
            self.flush()
        except OSError:
            log.debug("closed before all was sent")
        super().close()


class _NamedContext(ssl.SSLContext):
    """Verifies the broker's certificate by the broker's name in the settings, at any address."""

    broker_name: str

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        kwargs["server_hostname"] = self.broker_name
        return super().wrap_socket(*args, **kwargs)


def named_context(
    broker: BrokerSettings, ca: str, *, buffered: bool = False, any_time: bool = False
) -> ssl.SSLContext:
    """TLS context that verifies `broker.name`; paho alone would verify the address.

    `buffered`: sockets are `BufferedSocket`, which the caller flushes. `any_time`: the validity is
    not compared with our clock, which may be wrong; name and authority are still verified. Raises
    `SettingsError`.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.broker_name = broker.name
    if any_time:
        context.verify_flags |= NO_CHECK_TIME
    try:
        context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{ca}: expected a PEM certificate of the authority: {error}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if buffered:
        context.sslsocket_class = BufferedSocket
    return context


def end_of(sock: Any) -> float | None:
    """Unix time (s) at which the peer's certificate expires; None if there is no certificate."""
    try:
        return float(ssl.cert_time_to_seconds(sock.getpeercert()["notAfter"]))
    except (AttributeError, KeyError, TypeError, ValueError, OSError):
        return None


def no_delay(_client: mqtt.Client, _userdata: object, sock: Any) -> None:
    """Disable Nagle's algorithm (RFC 896); for `on_socket_open`."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        log.warning("TCP_NODELAY refused: alarms may be 40 ms late")
