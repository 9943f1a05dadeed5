"""The kiosk's line to the broker: readings out until the gateway holds them, nothing waits.

It comes back after a time that chance has a part in, so that a hall of kiosks does not come back in
step. The session starts clean: the outbox is the memory, and a second queue at the broker would
only repeat it.
"""

import asyncio
import json
import random
import time

from kiosk import clock, messages, mqtt
from kiosk.address import Address
from kiosk.transport import Connector

_KEEP_ALIVE_S = 30
_BACKLOG = 6  # old readings under way at once
_WINDOW = 8  # and with those that are just being made, which must not wait for them
_URGENT = 8  # and as many fevers more: a gateway that cannot store can still light red
_STORED_MS = 15_000  # not stored after that: send again, and be more patient
_STORED_MAX_MS = 240_000
_POLL_MS = 10
_IDLE_POLL_MS = 40
_BACKOFF_MIN_MS = 1000
_BACKOFF_MAX_MS = 60_000
_PUT_OFF_MS = 60_000
_RX_BYTES = 1280  # a message of the protocol's 1 KiB with its topic


class MqttLink:
    """Owns the connection; the outbox stays the truth of what must still be told."""

    def __init__(self, settings, outbox, context, wifi, hears, pieces):
        """`hears`: for each kind of message a function that takes it, decoded from
        JSON, or None where it is none; `pieces`: for those whose bytes are taken as they are."""
        self._outbox = outbox
        self._hears = hears
        self._pieces = pieces
        self._wifi = wifi
        self._base = "fevergate/v1/%s/%s/" % (settings.campus, settings.kiosk)
        self._under_way = {}
        self._patience_ms = _STORED_MS
        self._failures = 0
        self._retry_at = None
        self._waiting = False
        self.reconnects = 0
        self.last_error = ""
        self.came_up = lambda: None  # called after each connection
        self.busy = False  # a person is being scanned
        self.present = False  # or stands there still
        self._down_at = time.ticks_ms()
        self._settings = settings
        self._context = context
        self._address = Address(settings.broker_host)
        self._client = self._new_client()

    def _new_client(self):
        settings = self._settings
        kinds = ["stored"] + list(self._hears) + list(self._pieces)
        client = mqtt.Client(
            lambda: Connector(
                self._address, settings.broker_port, settings.broker_name, self._context
            ),
            mqtt.connect_packet(
                settings.kiosk,
                settings.username,
                settings.password,
                _KEEP_ALIVE_S,
                (self._base + "status", "offline"),
            ),
            [self._base + kind for kind in kinds],
            _KEEP_ALIVE_S,
            _RX_BYTES,
        )
        client.on_message = self._message
        client.on_connect = self._connected
        return client

    @property
    def up(self):
        """Whether the broker has let us in."""
        return self._client.state == mqtt.UP

    def send(self, boot, seq, fever, text):
        """Send a reading that is in the outbox already, at once if the line is up."""
        if not self.up or len(self._under_way) >= (_WINDOW + _URGENT if fever else _WINDOW):
            return
        if self._publish("reading", text):
            self._under_way[(boot, seq)] = time.ticks_ms()
            self._client.handle()

    def say(self, kind, text, retain=False):
        """Send something that need not survive, such as health; dropped while offline."""
        if self.up:
            self._publish(kind, text, retain)

    async def run(self):
        """Keep the line, for ever."""
        self._waiting = True  # for the network
        self._retry_at = None
        while True:
            self._step()
            moving = self._under_way or not self.up
            await asyncio.sleep_ms(_POLL_MS if moving else _IDLE_POLL_MS)

    def _step(self):
        if not self.up:
            self._wait()
        if self._waiting:
            self._come_back()
        elif self._client.state == mqtt.FAILED:
            self._went_down(self._client.last_error)
        elif self.up or self._may_connect():
            self._client.handle()
            if self.up:
                self._refill()

    def _may_connect(self):
        """Whether the arithmetic of a handshake would be felt by nobody; where the queue never
        ends, it comes between two people."""
        if not self.present:
            return True
        return not self.busy and self._down_at is None

    def _went_down(self, error):
        self.last_error = str(error)
        self._down_at = time.ticks_ms()
        self._under_way = {}
        ceiling = min(_BACKOFF_MAX_MS, _BACKOFF_MIN_MS << min(self._failures, 6))
        self._failures += 1
        # Half fixed, half chance: everybody comes back, nobody at the same moment.
        wait_ms = ceiling // 2 + random.randrange(ceiling // 2)
        self._retry_at = time.ticks_add(time.ticks_ms(), wait_ms)
        self._waiting = True
        print("link down:", self.last_error.strip())
        if "validity" in self.last_error:  # x509_crt.c: has expired, or starts in the future
            clock.refused()

    def _wait(self):
        """See what time has gone by, as it does: after six days a difference turns round."""
        now = time.ticks_ms()
        if self._retry_at is not None and time.ticks_diff(now, self._retry_at) >= 0:
            self._retry_at = None
        if self._down_at is not None and time.ticks_diff(now, self._down_at) > _PUT_OFF_MS:
            self._down_at = None

    def _come_back(self):
        if self._retry_at is None and self._wifi() and self._may_connect():
            self._waiting = False
            self._client.connect()
            self._client.handle()

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
                # The broker may be keeping it for an absent gateway: do not fill its queue.
                self._under_way = {}
                self._patience_ms = min(2 * self._patience_ms, _STORED_MAX_MS)
                break
        # One at a time: the scan comes between.
        if len(self._outbox) > len(self._under_way) < _WINDOW + _URGENT:
            fevers_only = len(self._under_way) >= _BACKLOG
            waiting = self._outbox.waiting(self._under_way, fevers_only)
            if waiting is None:
                return
            boot, seq, data = waiting
            if self._publish("reading", messages.reading(self._settings.kiosk, boot, data)):
                self._under_way[(boot, seq)] = now

    def _publish(self, kind, text, retain=False):
        return self._client.publish(self._base + kind, text, retain)

    def _message(self, topic, payload):
        kind = topic[len(self._base) :]
        if kind in self._pieces:
            self._pieces[kind](payload)
            return
        try:
            message = json.loads(bytes(payload))
        except ValueError:
            message = None  # whoever hears it says what is wrong
        try:
            if kind == "stored" and message is not None:
                gaps, also = message.get("gaps", ()), message.get("also", ())
                self._stored(message["boot"], message["seq"], gaps, also)
            elif kind in self._hears:
                self._hears[kind](message)
        except Exception as error:  # whatever a hostile message makes of us, the line stays
            print("%s: not understood: %s" % (kind, error))

    def _stored(self, boot, seq, gaps, also):
        self._outbox.release(boot, seq, gaps, also)
        self._patience_ms = _STORED_MS
        for key in list(self._under_way):
            # One in a gap is not stored: it goes out again.
            if key[0] == boot and (key[1] <= seq or any(a <= key[1] <= b for a, b in also)):
                del self._under_way[key]
