"""Drives LEDs, beeper, display and the door's output of one kiosk.

A verdict sets the LED first (microseconds), then the sound, then the slow display. Nothing here
blocks.
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
# For people who cannot tell the colours apart: a check mark, or a warning sign on inverted text.
SIGNS = {screening.NORMAL: "check", screening.FEVER: "warning"}
LOW = "low"  # key of the words for a person who stays but is not seen: a child, or somebody seated
# "Identify" finds this kiosk among others: 10 s of chirps, unlike the sound of any verdict.
_CHIRPS = 10
_CHIRP = ((1500, 60, 60), (1900, 60, 0))
_CHIRP_APART_MS = 820
_DUTY = 32768  # 50 %, the loudest duty cycle


class Panel:
    """LEDs, beeper, display and the door's output of one kiosk."""

    def __init__(self, display, settings, now):
        """`now()` returns the Unix time (s), or None where it is not known."""
        # Set before all other pins: a rising edge opens the door (hardware/circuit/carrier.toml).
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
        self._shows = None  # call that shows the idle or fault screen again; None for a verdict
        self._identifying = None  # task of `identify`
        self._idling = False
        self._offline = None  # a code of `Wifi.trouble`
        self._language = ""
        self.configure(settings)

    def configure(self, settings):
        """Apply language, volume, quiet hours, brightness and notice."""
        if settings.language != self._language:
            self._language = settings.language
            self._words = words_in(settings.language)
        self._settings = settings
        # Hearing is logarithmic: volume 50 is about a tenth of the duty cycle.
        self._duty = int(_DUTY * (settings.volume / 100) ** 3)
        self._display.brightness(settings.brightness)
        self._display.notice(settings.glyphs)

    def idle(self):
        """Show the idle screen, with LEDs off."""
        self._shows = self.idle
        self._idling = True
        self._light(None)
        self._say("idle")

    def offline(self, code):
        """Show on the idle screen why the broker is out of reach; `code` None: it is back."""
        self._offline = code
        if self._idling and not self._identifying:
            self._say("idle")

    def renew(self):
        """Initialise the display again, in case it was reset; the picture stays the same."""
        self._display.renew()
        asyncio.create_task(self._display.flush())

    def dark(self):
        """Switch the LEDs off for a scan."""
        self._shows = None
        self._idling = False
        self._light(None)

    def verdict(self, verdict, reason, body_c):
        """Show and sound a verdict; `body_c` (°C) is None where there is none to show."""
        self._shows = None
        self._idling = False
        self._light(verdict)
        self._play(SOUNDS[verdict])
        if verdict == screening.RETRY:
            self._say(reason)
        else:
            self._say(verdict, body_c, SIGNS[verdict])

    def fault(self, key):
        """Show why the kiosk cannot measure ("sensor", "lens" or "warm"), or why somebody normal
        may not go in ("ask", "stop"), with the amber LED and no sound."""
        self._shows = lambda: self.fault(key)
        self._idling = False
        self._light(screening.RETRY)
        self._say(key)

    def identify(self):
        """Blink amber, chirp and show the kiosk's name for 10 s; not during a scan or verdict."""
        if self._shows:
            self._cancel()
            self._identifying = asyncio.create_task(self._identify(self._shows))

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
        self._identifying = None
        before()

    def _cancel(self):
        if self._identifying:
            self._identifying.cancel()
            self._identifying = None

    def _light(self, verdict):
        """Light the LED of a verdict, or none; sets the door's output for `NORMAL` alone."""
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
