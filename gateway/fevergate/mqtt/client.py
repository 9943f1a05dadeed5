"""Lasting MQTT connection to the broker, on paho-mqtt.

The session outlives the process, and the caller acknowledges messages. Small packets are not
delayed, an exception in a callback does not end the thread, and only one thread uses the socket.
paho's own loop reads one packet for each `select` and wakes up for each acknowledgement; this loop
reads all packets that have arrived. Session expiry and the number of messages in flight are set in
the broker (`broker_files`).
"""

import logging
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fevergate.errors import SettingsError
from fevergate.mqtt.session import Client, SessionOptions, end_session, new_client
from fevergate.mqtt.tls import BufferedSocket, end_of, named_context
from fevergate.mqtt.traffic import MAX_ARRIVED, SLICE, Message, Traffic, Urgent
from fevergate.settings import last_good
from fevergate.settings.collector import CollectSettings
from fevergate.settings.gateway import GatewaySettings
from fevergate.settings.settings_file import read_secret
from fevergate.system import realtime_priority
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 20
BACKOFF_MIN_S = 0.5
BACKOFF_MAX_S = 8.0
MISC_S = 1.0
"""Interval of paho's housekeeping (`loop_misc`: keep-alive, repeats)."""

TAKEN_OVER = 0x8E
"""Reason code: another client has connected with our client id (MQTT 5, 3.14.2.1)."""


class BrokerClient(PeriodicThread):
    """One MQTT connection that is kept up by a thread of its own: each round is one connection.

    `message(topic, payload, done)` is called in the network thread; `done` acknowledges the message
    and may be called from any thread, once its content is stored. `up` is called after each
    connect. With `clean` the broker stores nothing for this client while it is disconnected. On
    `status_topic`, if given, `online` is retained, and `offline` (last will) when the connection
    ends.
    """

    def __init__(
        self,
        settings: GatewaySettings | CollectSettings,
        client_id: str,
        topics: Sequence[str],
        message: Message,
        up: Callable[[], None] = lambda: None,
        status_topic: str = "",
        session: SessionOptions | None = None,
        *,
        clean: bool = False,
        patient: bool = False,
        urgent: Urgent | None = None,
    ) -> None:
        """`patient`: if the password or the authority cannot be read, wait for it, with the reason
        in `trouble`, instead of raising `SettingsError`. `urgent(topic, payload)`: whether a
        message is handled before messages that arrived earlier; if given, the thread takes
        precedence over other programs, where the system allows that."""
        super().__init__("broker", BACKOFF_MIN_S)
        self._urgent = urgent
        self._settings = settings
        self._secured = False
        self.trouble = ""
        self._status_topic = status_topic
        self._connect_with: dict[str, Any] = {}
        self._leave = threading.Event()
        self.taken_over = False
        """Whether another client with our id took our session over."""
        self.subscribed = False
        """Whether the broker has answered our subscriptions on this connection."""
        self.refused: list[str] = []
        """Topics for which the broker refused the subscription."""
        self._broker = settings.broker
        self._topics = [(topic, 1) for topic in topics]
        self._up = up
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_w.setblocking(False)
        self._awake = False
        self.precedes = False
        """Whether the thread has the precedence over other programs that `urgent` asks for."""
        self._again = False
        self._wait_s = BACKOFF_MIN_S
        self.progressed_at = time.monotonic()
        self.certificate_end: float | None = None
        """When the broker's certificate expires, as seen at the last connect, Unix time (s)."""
        if session:
            self._connect_with = {"clean_start": False, "properties": session.properties()}
        self._client = self._new_client(client_id, session, clean=clean)
        self.traffic = Traffic(self._client, message, urgent, self._wake)
        if not patient:
            self._secure()

    def _new_client(self, client_id: str, session: SessionOptions | None, *, clean: bool) -> Client:
        client = new_client(client_id, session, clean=clean)
        if self._status_topic:
            client.will_set(self._status_topic, b"offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        # Without this callback paho would write to the socket in whichever thread publishes, at
        # times in the middle of a packet of the network thread's.
        client.on_socket_register_write = lambda *_: self._wake()
        return client

    def _secure(self) -> None:
        """Load password and authority, or their last good copies. Raises `SettingsError`."""
        if self._secured:
            return
        last_good.choose_secrets(self._settings)
        settings, broker = self._settings, self._broker
        self._client.username_pw_set(
            broker.username, read_secret(settings.path(broker.password_file))
        )
        self._client.tls_set_context(
            named_context(
                broker,
                str(settings.path(broker.ca)),
                buffered=True,
                any_time=isinstance(settings, GatewaySettings),
            )
        )
        self._secured = True
        self.trouble = ""

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def stop(self) -> None:
        """Disconnect; unless `clean`, the broker keeps the session and its queued messages."""
        if self._status_topic:
            self.publish(self._status_topic, b"offline", retain=True)
        self.stopping.set()
        self._wake()
        self.join(timeout=10)

    def leave(self) -> None:
        """Unsubscribe; messages in flight still arrive. An MQTT 5 session then ends at `stop`, and
        messages that are still queued in it are lost."""
        self._leave.set()
        self._wake()

    def again(self) -> None:
        """Reconnect, so that the broker repeats all messages that were not acknowledged."""
        self._again = True
        self._wake()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Queue a message; False where there is no connection. Does not block: only the network
        thread calls paho, so that no other thread waits for its locks."""
        if not self.connected:
            return False
        self.traffic.outgoing.append((topic, payload, qos, retain))
        self._wake()
        return True

    def run(self) -> None:
        """Serve one connection after the other."""
        if self._urgent:
            self.precedes = realtime_priority.set_realtime_priority()
        super().run()

    def tick(self) -> float:
        """Serve one connection until it ends; returns the time to the next attempt (s)."""
        epoch = self.traffic.epoch
        self.progressed_at = time.monotonic()
        try:
            self._secure()
            if self._connect():
                self._pump()
        except OSError as error:
            log.warning("broker: %s", error)
        except SettingsError as error:
            if self.trouble != str(error):
                log.error("%s", error)
            self.trouble = str(error)
        except Exception:
            log.exception("the broker's thread fell, starting it again")
        if self._again:  # we disconnected ourselves, and a fever may be waiting
            self._again = False
            return 0
        connected = self.traffic.epoch > epoch
        self._wait_s = BACKOFF_MIN_S if connected else min(2 * self._wait_s, BACKOFF_MAX_S)
        return self._wait_s * random.uniform(0.5, 1)  # noqa: S311 - no secret

    def _connect(self) -> bool:
        """Connect to the first of the broker's addresses that answers; returns whether one did."""
        for host, port in self._broker.addresses:
            try:
                self._client.connect(host, port, KEEP_ALIVE_S, **self._connect_with)
            except OSError as error:
                log.warning("broker at %s:%d: %s", host, port, error)
            else:
                return True
        return False

    def _pump(self) -> None:
        """Serve one connection until it ends."""
        misc_at = time.monotonic()
        left = leaving = breaking = False
        traffic = self.traffic
        while isinstance(sock := self._client.socket(), BufferedSocket):
            self.progressed_at = time.monotonic()
            flushed = sock.flush()
            writers = [] if flushed else [sock]
            waiting = sock.pending() or traffic.arrived or (flushed and traffic.unsent)
            readable, _, _ = select.select(
                [sock, self._wake_r], writers, [], 0 if waiting else MISC_S
            )
            if self._wake_r in readable:
                self._wake_r.recv(64)
            self._awake = False
            if sock in readable or sock.pending():
                traffic.take(sock)
            traffic.handle(SLICE)
            again, stopping = self._again, self.stopping.is_set()
            if flushed or again or stopping:
                traffic.send(sock, everything=again or stopping)
            if self._client.want_write():
                self._client.loop_write()
            # Only after the acknowledgements are sent: else the broker would repeat these messages.
            if again and not breaking and sock.flush():
                breaking = True
                log.warning("asking the broker again for what was not stored")
                sock.shutdown(socket.SHUT_RDWR)
            if time.monotonic() - misc_at >= MISC_S:
                misc_at = time.monotonic()
                self._client.loop_misc()
            if self._leave.is_set() and self.connected and not left:
                left = True
                self._client.unsubscribe([topic for topic, _ in self._topics])
            if stopping and not leaving:
                leaving = True  # after all queued messages
                self._disconnect()
        traffic.handle(MAX_ARRIVED)

    def _disconnect(self) -> None:
        if not (self._leave.is_set() and self._connect_with):
            self._client.disconnect()
            return
        end_session(self._client)

    def _wake(self) -> None:
        """Wake the network thread, so that it sends what is queued."""
        if self._awake or threading.current_thread() is self:
            return
        self._awake = True
        with suppress(BlockingIOError):  # a wake-up is pending already
            self._wake_w.send(b"x")

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        try:
            if reason.is_failure:
                log.error("the broker refuses us: %s", reason)
                return
            self.traffic.epoch += 1
            self.subscribed = False
            if not self._leave.is_set():
                client.subscribe(self._topics)
            log.info("broker up")
            self.certificate_end = end_of(client.socket()) or self.certificate_end
            if self._status_topic:
                self.publish(self._status_topic, b"online", retain=True)
            self._up()
        except Exception:
            log.exception("after connecting")

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self.refused = [
            topic
            for (topic, _), reason in zip(self._topics, reasons, strict=False)
            if reason.is_failure
        ]
        self.subscribed = True
        if self.refused:
            log.error("the broker does not let us read %s", ", ".join(self.refused))

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.subscribed = False
        self.taken_over |= reason.value == TAKEN_OVER
        if not self.stopping.is_set():
            log.warning("broker down")
