"""Keeps the connection to the broker, and sends readings until the gateway acknowledges them.

After a failure it reconnects with a random delay, so that many kiosks do not reconnect at the same
moment. The MQTT session is clean: the outbox holds what was not acknowledged, and a queue at the
broker would only duplicate it.
"""

import asyncio
import json
import random
import time

from kiosk import clock, messages, mqtt
from kiosk.address import Address
from kiosk.transport import Connector

_KEEP_ALIVE_S = 30
_BACKLOG = 6  # with this many readings in flight, the outbox sends fevers only
_WINDOW = 8  # with this many in flight, a new reading waits in the outbox
_URGENT = 8  # fevers in flight beyond `_WINDOW`: a gateway that cannot store them still lights red
_STORED_MS = 15_000  # time for an acknowledgement, after which readings are sent again
_STORED_MAX_MS = 240_000  # without an acknowledgement that time doubles, up to this
_POLL_MS = 10
_IDLE_POLL_MS = 40
_BACKOFF_MIN_MS = 1000
_BACKOFF_MAX_MS = 60_000
_PUT_OFF_MS = 60_000  # people in view delay connecting by at most this
_RX_BYTES = 1280  # the protocol's longest message, 1 KiB, with its topic


class MqttLink:
    """The connection of one kiosk to its broker; `up` says whether it is established.

    The caller sets `busy` while a person is scanned and `present` while one is in view: the TLS
    handshake then waits.
    """

    idle_poll_ms = _IDLE_POLL_MS

    def __init__(self, settings, outbox, context, wifi, hears, pieces):
        """`wifi()`: whether there is a network; `hears`: handlers by the topic's last part, which
        take the decoded JSON, or None if the payload is not JSON; `pieces`: handlers by the topic's
        last part, which take the payload's bytes."""
        self._outbox = outbox
        self.hears = hears
        self.pieces = pieces
        self._wifi = wifi
        self.base = "fevergate/v1/%s/%s/" % (settings.campus, settings.kiosk)
        self._under_way = {}
        self._patience_ms = _STORED_MS
        self._failures = 0
        self._retry_at = None
        self._waiting = False
        self.reconnects = 0
        self.last_error = ""
        self.came_up = lambda: None  # called after each connection
        self.busy = False  # a person is being scanned
        self.present = False  # a person is in view, before, during or after a scan
        self._down_at = time.ticks_ms()
        self._settings = settings
        self._context = context
        self._address = Address(settings.broker_host)
        self.client = self._new_client()

    def _new_client(self):
        settings = self._settings
        client = mqtt.Client(
            lambda: Connector(
                self._address, settings.broker_port, settings.broker_name, self._context
            ),
            mqtt.connect_packet(
                settings.kiosk,
                settings.username,
                settings.password,
                _KEEP_ALIVE_S,
                (self.base + "status", "offline"),
            ),
            self._topics(),
            _KEEP_ALIVE_S,
            _RX_BYTES,
        )
        client.on_message = self._message
        client.on_connect = self._connected
        return client

    def _topics(self):
        kinds = ["stored"] + list(self.hears) + list(self.pieces)
        return [self.base + kind for kind in kinds]

    @property
    def up(self):
        """Whether the broker has accepted the connection."""
        return self.client.state == mqtt.UP

    def send(self, boot, seq, fever, text):
        """Send a new reading (JSON) at once. Offline, or with too many in flight (`_WINDOW`,
        `_URGENT`), this does nothing: the reading is sent from the outbox later."""
        if not self.up or len(self._under_way) >= (_WINDOW + _URGENT if fever else _WINDOW):
            return
        if self._publish("reading", text):
            self._under_way[(boot, seq)] = time.ticks_ms()
            self.client.handle()

    def say(self, kind, text, retain=False, qos=1):
        """Send a message that may be lost, such as health; while offline it is dropped."""
        if self.up:
            self._publish(kind, text, retain, qos)

    async def run(self):
        """Connect and reconnect, for ever."""
        self._waiting = True  # for the network
        self._retry_at = None
        while True:
            self._step()
            moving = self._under_way or not self.up
            await asyncio.sleep_ms(_POLL_MS if moving else self.idle_poll_ms)

    def _step(self):
        if not self.up:
            self._wait()
        if self._waiting:
            self._come_back()
        elif self.client.state == mqtt.FAILED:
            self._went_down(self.client.last_error)
        elif self.up or self._may_connect():
            self.client.handle()
            if self.up:
                self._refill()

    def _may_connect(self):
        """Whether a TLS handshake, which blocks scanning, may run now: nobody is in view; or people
        in view have delayed it for `_PUT_OFF_MS`, and nobody is being scanned."""
        if not self.present:
            return True
        return not self.busy and self._down_at is None

    def _went_down(self, error):
        self.last_error = str(error)
        self._down_at = time.ticks_ms()
        self._under_way = {}
        ceiling = min(_BACKOFF_MAX_MS, _BACKOFF_MIN_MS << min(self._failures, 6))
        self._failures += 1
        # Half of the delay is random, so that kiosks do not reconnect together.
        wait_ms = ceiling // 2 + random.randrange(ceiling // 2)
        self._retry_at = time.ticks_add(time.ticks_ms(), wait_ms)
        self._waiting = True
        print("link down:", self.last_error.strip())
        if "validity" in self.last_error:  # x509_crt.c: has expired, or starts in the future
            clock.refused()

    def _wait(self):
        """Clear time limits that have passed; checked all the time, because differences of ticks
        change sign after six days."""
        now = time.ticks_ms()
        if self._retry_at is not None and time.ticks_diff(now, self._retry_at) >= 0:
            self._retry_at = None
        if self._down_at is not None and time.ticks_diff(now, self._down_at) > _PUT_OFF_MS:
            self._down_at = None

    def _come_back(self):
        if self._retry_at is None and self._wifi() and self._may_connect():
            self._waiting = False
            self.client.connect()
            self.client.handle()

    def _connected(self):
        self._failures = 0
        self.reconnects += 1
        self._under_way = {}
        self._publish("status", "online", True)
        try:
            self._address.worked()
        except OSError as error:
            print("address not kept:", error)
        self.came_up()
        print("link up")

    def _refill(self):
        now = time.ticks_ms()
        for since in self._under_way.values():
            if time.ticks_diff(now, since) > self._patience_ms:
                # The broker may be queueing for an absent gateway: resend ever more slowly.
                self._under_way = {}
                self._patience_ms = min(2 * self._patience_ms, _STORED_MAX_MS)
                break
        # One reading per step, so that the scan is not delayed.
        if len(self._outbox) > len(self._under_way) < _WINDOW + _URGENT:
            fevers_only = len(self._under_way) >= _BACKLOG
            waiting = self._outbox.waiting(self._under_way, fevers_only)
            if waiting is None:
                return
            boot, seq, data = waiting
            if self._publish("reading", messages.reading(self._settings.kiosk, boot, data)):
                self._under_way[(boot, seq)] = now

    def _publish(self, kind, text, retain=False, qos=1):
        return self.client.publish(self.base + kind, text, retain, qos)

    def _message(self, topic, payload):
        kind = topic[len(self.base) :]
        if kind in self.pieces:
            self.pieces[kind](payload)
            return
        try:
            message = json.loads(bytes(payload))
        except ValueError:
            message = None  # the handler reports the error
        try:
            if kind == "stored" and message is not None:
                gaps, also = message.get("gaps", ()), message.get("also", ())
                self._stored(message["boot"], message["seq"], gaps, also)
            elif kind in self.hears:
                self.hears[kind](message)
        except Exception as error:  # a hostile message must not end the connection
            print("%s: not understood: %s" % (kind, error))

    def _stored(self, boot, seq, gaps, also):
        self._outbox.release(boot, seq, gaps, also)
        self._patience_ms = _STORED_MS
        for key in list(self._under_way):
            # A reading in a gap is sent again from the outbox.
            if key[0] == boot and (key[1] <= seq or any(a <= key[1] <= b for a, b in also)):
                del self._under_way[key]
