"""What the person sees and hears: one colour, one sound, large digits, a sign, a word.

Colour first (microseconds), sound next, the slow display last. Nothing here waits.
"""

import asyncio

from machine import PWM, Pin

import kiosk_board
from kiosk import screening
from kiosk.words import line_word, words_in

# (frequency in Hz, on in ms, off in ms) of each beep; loudness is the duty.
SOUNDS = {
    screening.NORMAL: ((2400, 80, 0),),
    screening.RETRY: ((900, 120, 80), (900, 120, 0)),
    screening.FEVER: ((2700, 250, 100), (2100, 250, 100), (2700, 250, 100), (2100, 400, 0)),
}
# Nobody is to tell the colours apart: a check mark, or dark on light with a warning sign.
SIGNS = {screening.NORMAL: "check", screening.FEVER: "warning"}
# So that somebody finds this kiosk among others: ten seconds, nothing like an answer.
_CHIRPS = 10
_CHIRP = ((1500, 60, 60), (1900, 60, 0))
_CHIRP_APART_MS = 820
_DUTY = 32768  # a square wave is loudest


class Panel:
    """LEDs, beeper, display and the door's line of one kiosk."""

    def __init__(self, display, settings, now):
        """`now` tells the time (UTC s), or None."""
        # First of all: its edge opens the door (hardware/circuit/carrier.toml).
        self._door = Pin(kiosk_board.DOOR, Pin.OUT, value=0)
        self._leds = {
            screening.NORMAL: Pin(kiosk_board.GREEN, Pin.OUT, value=0),
            screening.RETRY: Pin(kiosk_board.AMBER, Pin.OUT, value=0),
            screening.FEVER: Pin(kiosk_board.RED, Pin.OUT, value=0),
        }
        self._beeper = Pin(kiosk_board.BEEPER, Pin.OUT, value=0)
        self._display = display
        self._now = now
        self._sound = None
        self._shows = None  # what nobody waits for, and can be shown again
        self._found = None
        self._idling = False
        self._offline = None  # a code of `Wifi.trouble`
        self._language = ""
        self.configure(settings)

    def configure(self, settings):
        """Take up language, volume, quiet hours, brightness, notice."""
        if settings.language != self._language:
            self._language = settings.language
            self._words = words_in(settings.language)
        self._settings = settings
        # Hearing is logarithmic: half the volume is a tenth of the duty.
        self._duty = int(_DUTY * (settings.volume / 100) ** 3)
        self._display.brightness(settings.brightness)
        self._display.notice(settings.glyphs)

    def idle(self):
        """Nobody is here: dark, and an invitation."""
        self._shows = self.idle
        self._idling = True
        self._light(None)
        self._say("idle")

    def offline(self, code):
        """Say on the idle screen why there is no line; None: there is one."""
        self._offline = code
        if self._idling and not self._found:
            self._say("idle")

    def renew(self):
        """Light the glass anew, where it was reset; nobody sees it where it was not."""
        self._display.renew()
        asyncio.create_task(self._display.flush())

    def dark(self):
        """No colour, while somebody is being measured."""
        self._shows = None
        self._idling = False
        self._light(None)

    def verdict(self, verdict, reason, body_c):
        """Answer the person; `body_c` is None where there is none to show."""
        self._shows = None
        self._idling = False
        self._light(verdict)
        self._play(SOUNDS[verdict])
        if verdict == screening.RETRY:
            self._say(reason)
        else:
            self._say(verdict, body_c, SIGNS[verdict])

    def fault(self, key):
        """The kiosk cannot measure, "sensor", "lens" or "warm": amber, and words, until it can."""
        self._shows = lambda: self.fault(key)
        self._idling = False
        self._light(screening.RETRY)
        self._say(key)

    def identify(self):
        """Blink amber, chirp and show the kiosk's name for some seconds; not while somebody is
        here."""
        if self._shows:
            self._cancel()
            self._found = asyncio.create_task(self._identify(self._shows))

    async def _identify(self, before):
        name = self._settings.kiosk
        self._display.message(name[:8], name[8:16], None, None)
        asyncio.create_task(self._display.flush())
        lamp = self._leds[screening.RETRY]
        for _ in range(_CHIRPS):
            lamp.value(1)
            if self._duty:
                await self._beep(_CHIRP)
            lamp.value(0)
            await asyncio.sleep_ms(_CHIRP_APART_MS)
        self._found = None
        before()

    def _cancel(self):
        if self._found:
            self._found.cancel()
            self._found = None

    def _light(self, verdict):
        """One colour, or None; the door opens at the moment of a normal, and at no other."""
        self._cancel()
        self._door.value(0)
        for name, led in self._leds.items():
            if name != verdict:
                led.value(0)
        if verdict:
            self._leds[verdict].value(1)
        if verdict == screening.NORMAL:
            self._door.value(1)

    def _say(self, key, body_c=None, sign=None):
        head, tail = self._words[key]
        if key == "idle":
            tail = self._settings.notice or tail
            if self._offline is not None:
                tail = line_word(self._offline, self._language)
        self._display.message(head, tail, body_c, sign)
        asyncio.create_task(self._display.flush())

    def _play(self, sound):
        if self._sound:
            self._sound.cancel()
        if not self._duty or self._settings.is_quiet(self._now()):
            return
        self._sound = asyncio.create_task(self._beep(sound))

    async def _beep(self, sound):
        pwm = PWM(self._beeper, freq=sound[0][0], duty_u16=0)
        try:
            for frequency, on_ms, off_ms in sound:
                pwm.freq(frequency)
                pwm.duty_u16(self._duty)
                await asyncio.sleep_ms(on_ms)
                pwm.duty_u16(0)
                await asyncio.sleep_ms(off_ms)
        finally:
            pwm.duty_u16(0)
            pwm.deinit()
