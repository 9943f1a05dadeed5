"""Opens a non-blocking TLS connection to the broker.

A blocking handshake would stop the scan for ever if a broker accepts and then sends nothing. Here
the handshake runs within the first reads and writes, which return None ("would block") until it is
done. The MQTT client's time limits bound it.
"""

import errno
import select
import socket
import ssl


def context_for(ca_der):
    """A TLS context that trusts one certificate authority (DER bytes) for the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=ca_der)
    return context


class Connector:
    """Opens one connection: `tick` moves `state` from "awaiting_tcp" to "ready" or "failed".

    `address`: the `address.Address` to connect to; `name`: the name that the server's certificate
    must have; `socket`: the TLS stream once ready.
    """

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
        """Continue without blocking. On an error `state` becomes "failed", and `last_error` is the
        error."""
        if self.state != "awaiting_tcp":
            return
        try:
            if self._raw is None or self._poll is None:
                self._connect()
            else:
                self._wrap(self._raw, self._poll)
        except Exception as error:  # after any error the state machine ends in "failed"
            self.last_error = error
            self.cancel()

    def cancel(self):
        """Give up and close the socket; does nothing once ready."""
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
        # `host` is an address, never a name: a name would block while a name server is silent.
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
            # TCP_NODELAY (level 6, option 1): small packets must not wait (Nagle's algorithm).
            raw.setsockopt(6, 1, 1)
        except (OSError, AttributeError):
            pass  # without this option, lwIP sends at once anyway
        stream = self._context.wrap_socket(
            raw, server_hostname=self._name, do_handshake_on_connect=False
        )
        stream.setblocking(False)
        self.socket = stream
        self.state = "ready"
