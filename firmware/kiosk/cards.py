"""The card reader: takes its taps, asks the gateway for a permit, and seals card numbers.

Loaded only if the settings name a reader. The health message reports a reader that is pulled out;
scans go on without it.
"""

import asyncio
import binascii
import json

from machine import UART, Pin

import kiosk_board
from kiosk import card_seal
from kiosk.card_decision import CardDecision
from kiosk.card_reader import reader_of
from kiosk.card_record import PERMITS
from kiosk.pairing import Pairing, Tap
from kiosk.screening import NORMAL

_UART = 1  # 0 is the console; the board's table of pins routes it
_BAUD = 9600
_BUFFER_BYTES = 256  # a quarter of a second at 9600 baud: a TLS handshake may block longer
_LOOK_MS = 50
_QUIET_LOOKS = 4  # looks without a byte after which an incomplete frame is discarded
_OUT_LOOKS = 20  # looks that find the line low: no reader, for it idles high and a byte takes 1 ms
_NOISE_BYTES = 64  # bytes since the last card that fit no frame: the reader has other settings

ASK = "ask"
STOP = "stop"


class Cards:
    """The cards of an `App`; `state` is the reader's state: "ok", "out" or "noise"."""

    def __init__(self, app):
        self._app = app
        self._key = app.settings.card_key
        self._asks = app.settings.card == "permit"
        self._reader = reader_of(app.settings)
        self.pairing = Pairing()
        self.state = "ok"
        self._noise = 0  # the reader's count at the last card

    def decision(self, settings):
        """A new `CardDecision` with these settings and the taps of this reader."""
        return CardDecision(settings, self.pairing)

    async def run(self):
        """Read the UART, for ever."""
        pins = {"tx": kiosk_board.READER_TX, "rx": kiosk_board.READER_RX}
        uart = UART(_UART, baudrate=_BAUD, rxbuf=_BUFFER_BYTES, **pins)
        rx = Pin(kiosk_board.READER_RX)  # no mode: the UART's setting stays
        quiet = low = 0
        while True:
            low = 0 if rx.value() else low + 1
            data = uart.read(_BUFFER_BYTES) if uart.any() else None
            if data:
                quiet = 0
                for number in self._reader.feed(data):
                    self._noise = self._reader.noise
                    self._tapped(number)
            else:
                quiet += 1
                if quiet == _QUIET_LOOKS:
                    self._reader.quiet()
            self._tell(low)
            await asyncio.sleep_ms(_LOOK_MS)

    def permit(self, message):
        """Take the gateway's answer to a tap; one for an earlier tap or boot is ignored. Raises
        `ValueError` for an unknown permit."""
        tap = self.pairing.tap
        word = message["permit"]
        if message["boot"] != self._app.boot or tap is None or message["tap"] != tap.count:
            return
        if word not in PERMITS[1:5]:
            raise ValueError("permit")
        tap.permit = word

    def hold(self, judgement):
        """Key of the display's words for a person who is normal but may not go in, or None."""
        if not self._asks or judgement.verdict != NORMAL:
            return None
        tap = judgement.scan.card
        word = tap.permit if tap else None
        if word == "enter":
            return None
        return STOP if word == STOP else ASK

    def add(self, values, scan):
        """Add the sealed card, and the permit that the kiosk applied, to a reading's fields."""
        tap = scan.card
        if isinstance(tap, str):
            tap = self._reopened(tap)
        values["who"] = values["permit"] = None
        if tap:
            boot, seq = self._app.boot, values["seq"]
            values["who"] = card_seal.sealed_hex(
                self._key, card_seal.READING, boot, seq, tap.number
            )
            if self._asks:
                values["permit"] = tap.permit or "late"

    def _tapped(self, number):
        app = self._app
        tap = self.pairing.card(app.uptime.ms(), number)
        if tap is None:
            return
        count = tap.count
        seal = card_seal.sealed_hex(self._key, card_seal.KEPT, app.boot, count, number)
        tap.kept = "%s-%d-%d" % (seal, app.boot, count)
        print("card", count)
        if self._asks:
            sealed = card_seal.sealed_hex(self._key, card_seal.TAP, app.boot, count, number)
            request = {"v": 1, "boot": app.boot, "tap": count, "who": sealed}
            app.link.say("card", json.dumps(request), qos=0)

    def _reopened(self, text):
        """The tap from a `Tap.kept` text of an earlier boot, or None if the text is malformed."""
        try:
            sealed, boot, count = text.split("-")
            sealed = binascii.unhexlify(sealed)
            number = card_seal.seal(self._key, card_seal.KEPT, int(boot), int(count), sealed)
            return Tap(number, 0, 0)
        except (ValueError, IndexError, OverflowError):
            return None

    def _tell(self, low):
        before = self.state
        if low >= _OUT_LOOKS:
            self.state = "out"
        elif not low:
            if before == "out":
                self._noise = self._reader.noise  # noise of plugging it in
            noisy = self._reader.noise - self._noise >= _NOISE_BYTES
            self.state = "noise" if noisy else "ok"
        if self.state != before:
            print("reader", self.state)
            self._app.report.now()
