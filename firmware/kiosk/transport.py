"""A TLS connection to the broker that never blocks, the handshake included.

A handshake that blocks would stop the scan for ever where a broker accepts and then says nothing.
Here it goes on inside the first reads and writes, which answer None, "would block", until it is
done; the MQTT client's patience bounds it.
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
        self.socket = stream
        self.state = "ready"
