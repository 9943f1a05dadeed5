"""A TLS connection to the broker that never blocks, the handshake included.

Gives chumicro-mqtt's client what its `transport_factory` asks for. Its own connector wraps
the socket in a blocking handshake: a broker that accepts and then says nothing would stop the
scan for ever. Here the handshake goes on inside the first reads and writes, which answer
"would block" until it is done, and the client's acknowledgement timeout bounds it.
"""

import errno
import select
import socket
import ssl


def context_for(ca_der):
    """A TLS context that trusts one authority (DER bytes) and always verifies."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=ca_der)
    return context


class _TlsSocket:
    """What the MQTT client expects of a socket, over MicroPython's TLS stream."""

    def __init__(self, stream):
        self._stream = stream
        self.close = stream.close

    def setblocking(self, flag):
        """The stream is non-blocking from the start."""

    def send(self, data):
        """Bytes taken; raises EAGAIN where none could be."""
        sent = self._stream.write(data)
        if sent is None:
            raise OSError(errno.EAGAIN)
        return sent

    def recv_into(self, buffer, size=0):
        """Bytes read, 0 at the end; raises EAGAIN where none are there yet."""
        got = self._stream.readinto(buffer, min(size, len(buffer)) if size else len(buffer))
        if got is None:
            raise OSError(errno.EAGAIN)
        return got


class Connector:
    """`state` goes from "awaiting_tcp" to "ready" or "failed" as `tick` is called; `address` is
    the `address.Address` to connect to, `name` what the certificate there must say."""

    def __init__(self, address, port, name, context):
        self._address = address
        self._port = port
        self._name = name
        self._context = context
        self._raw = None
        self._poll = None
        self.state = "awaiting_tcp"
        self.socket = None
        self.last_error = None

    @property
    def io_socket(self):
        """The socket, once it is built."""
        return self.socket

    def tick(self, now_ms):
        """Go one step further, without waiting."""
        if self.state != "awaiting_tcp":
            return
        try:
            if self._raw is None or self._poll is None:
                self._connect()
            else:
                self._wrap(self._raw, self._poll)
        except Exception as error:  # whatever it is, the state machine ends in "failed"
            self.last_error = error
            self.cancel()

    def cancel(self):
        """Give up; closes what is open."""
        if self.state == "ready":
            return
        self.state = "failed"
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def _connect(self):
        host = self._address.tick()
        if host is None:
            return
        # Of a number, never of a name: that would block for as long as a name server is silent.
        info = socket.getaddrinfo(host, self._port, 0, socket.SOCK_STREAM)[0]
        self._raw = raw = socket.socket(info[0], info[1])
        raw.setblocking(False)
        try:
            raw.connect(info[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        self._poll = select.poll()
        self._poll.register(raw, select.POLLOUT)

    def _wrap(self, raw, poll):
        events = poll.poll(0)
        if not events:
            return
        if events[0][1] & (select.POLLERR | select.POLLHUP):
            raise OSError(errno.ECONNREFUSED)
        try:
            # Small packets must not wait for an acknowledgement (Nagle): TCP level, option 1.
            raw.setsockopt(6, 1, 1)
        except (OSError, AttributeError):
            pass  # lwIP builds without the option send at once anyway
        stream = self._context.wrap_socket(
            raw, server_hostname=self._name, do_handshake_on_connect=False
        )
        stream.setblocking(False)
        self.socket = _TlsSocket(stream)
        self.state = "ready"
