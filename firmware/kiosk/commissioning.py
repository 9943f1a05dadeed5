"""A board without settings: its own Wi-Fi, a page for a phone, and settings that are tried first.

Name and password of its Wi-Fi stand on its display: only who stands before it can join. What is
secret goes into one file and is never sent back. Its Wi-Fi moves to the channel of the one that it
joins, so phones lose it for some seconds: what came of it waits for them, on the page and on the
display.
"""

import asyncio
import binascii
import json
import os
import time

import machine
import network

from kiosk import setup_code
from kiosk.bus import Bus
from kiosk.captive_portal import SetupServer, serve_dns
from kiosk.errors import KioskError, SettingsError, plain
from kiosk.settings import CA_PATH, PATH
from kiosk.setup_display import SetupDisplay
from kiosk.setup_page import PAGE
from kiosk.setup_request import SetupRequest, understand

_HOST = "0.0.0.0"  # noqa: S104 - of the board's own Wi-Fi
HTTP_PORT = 80
DNS_PORT = 53
ANSWER_S = 2  # for the page's last answer to leave before the channel changes
_JOIN_S = 20
_LEAVE_MS = 300
_RECONNECTS = 2
_FETCH_S = 30
SEEN_S = 300  # how long a result waits for a phone that comes back
_LEAVE_S = 3
_NETWORKS_MAX = 16

# 14 of 26 characters that nobody takes for another are 65.8 bits. Who has recorded a handshake
# (WPA2, 4096 rounds of SHA-1 a try) tries 2.5 million a second on a large graphics card of 2022:
# 410,000 years of it for half of them.
_CHARACTERS = "abcdefhjkmnprtuvwxy3467892"
_PASSWORD_LENGTH = 14

_TEXTS = {
    "joining": "正在连接无线网络 %s …\nJoining the Wi-Fi %s …",
    "fetching": "正在从网关 %s 领取设置 …\nFetching the settings from the gateway %s …",
    "wifi": "连不上无线网络 %s：请检查名称和密码\nCannot join %s: check name and password",
    "absent": "找不到无线网络 %s\nThere is no Wi-Fi %s here",
    "gateway": "网关 %s 没有应答：请检查地址与网络\nThe gateway %s does not answer: is it the"
    " right one, and in reach of this Wi-Fi?",
    "code": "网关 %s 上没有这个设置码：输错、已过期或已被使用，请重新获取\n%s does not have this"
    " code: mistyped, too old, or used already. Ask for a new one",
    "refused": "网关给的设置无法使用：%s\nThe gateway's settings cannot be used: %s",
    "flash": "无法写入设备\nThe board's flash takes nothing",
    "saved": "设置完成，测温机 %s 正在重启\nDone. The kiosk %s starts anew.",
}


class _FailedError(KioskError):
    """A try came to nothing: a key of the texts, and what it says of it."""


def main():
    """Wait for settings, by the board's own Wi-Fi or over USB; with nothing else in memory."""
    asyncio.run(Commissioning().run())


class Commissioning:
    """`run` returns when the board has settings."""

    def __init__(self):
        self._display = SetupDisplay(Bus())
        self._networks = []
        self._name = ""
        self._news = "idle"  # or a key of the texts
        self._about = ""
        self._busy = False
        self._wish = None
        self._submitted = asyncio.Event()
        self._seen = asyncio.Event()

    async def run(self):
        """Until there are settings on flash and somebody has seen it, or has had the time to."""
        address = self._open()
        shown = ".".join([str(part) for part in address])
        pages = SetupServer(PAGE, shown, self._state, self.submit)
        await asyncio.start_server(pages.serve, _HOST, HTTP_PORT)
        background = [
            asyncio.create_task(_for_ever(serve_dns, _HOST, DNS_PORT, address)),
            asyncio.create_task(_for_ever(self._display.run)),
        ]
        while self._news != "saved":
            await self._submitted.wait()
            self._submitted.clear()
            await asyncio.sleep(ANSWER_S)
            try:
                kiosk = await self._set_up(self._wish)
                self._tell("saved", kiosk, "check", last=True)
            except _FailedError as error:
                self._tell(*error.args, sign="warning")
            self._busy = False
        try:
            await asyncio.wait_for(self._seen.wait(), SEEN_S)
        except asyncio.TimeoutError:
            pass
        await asyncio.sleep(_LEAVE_S)
        for task in background:
            task.cancel()

    def submit(self, message):
        """Take what the page sent; returns "" or, in both languages, what is wrong with it."""
        if self._busy or self._news == "saved":
            return "请稍候\nIn a moment: the last settings are being tried"
        try:
            self._wish = SetupRequest(message, self._wish)
        except SettingsError as error:
            return "输入有误\nThis cannot be: %s" % plain(error)
        self._busy = True
        self._tell("joining", self._wish.ssid)
        self._submitted.set()
        return ""

    def _open(self):
        """Open the board's own Wi-Fi; its address, 4 bytes. Raises `OSError`, and then none is
        open."""
        self._name = "FeverGate-%s" % binascii.hexlify(machine.unique_id()[-2:]).decode().upper()
        station = network.WLAN(network.STA_IF)
        station.active(True)
        password = _password()  # with the radio on, by which the chip draws random numbers
        point = network.WLAN(network.AP_IF)
        # Before it is active, all at once: an access point that is switched on first is an open
        # one until it is told otherwise (ports/esp32/network_wlan.c:272, :492).
        point.config(ssid=self._name, key=password, security=network.AUTH_WPA2_PSK)
        self._networks = _names_of(station)
        point.active(True)
        if (point.config("ssid"), point.config("security")) != (self._name, network.AUTH_WPA2_PSK):
            point.active(False)
            raise OSError("the access point is not as it was told to be")
        address = point.ifconfig()[0]
        self._display.invite(self._name, password, address)
        print("commissioning: join the Wi-Fi %s, its password is on the display" % self._name)
        return bytes([int(part) for part in address.split(".")])

    def _tell(self, news, about, sign=None, last=False):
        """On page and display, from now on."""
        self._news, self._about = news, about
        self._display.tell(news, about, sign, last)
        print("commissioning:", news)

    def _state(self, seen):
        """What the page may know: nothing that is secret. `seen`: somebody has read the last."""
        wish, text = self._wish, _TEXTS.get(self._news, "")
        if "%s" in text:
            text = text % (self._about, self._about)
        if seen and self._news == "saved":
            self._seen.set()
        return {
            "state": "busy" if self._busy else self._news,
            "text": text,
            "wifi": self._name,
            "networks": self._networks,
            "ssid": wish.ssid if wish else "",
            "given": wish is not None and not wish.used,
            "anyway": wish is not None and not wish.code and self._news in ("wifi", "absent"),
        }

    async def _set_up(self, wish):
        """Join, fetch where it is to be fetched, keep; the kiosk's name. Raises `_FailedError`."""
        if wish.network and not wish.anyway:
            await _join(wish)
        if wish.code:
            self._tell("fetching", wish.code[0])
            try:
                text = await _fetched(*wish.code)
                wish.used = True
            except _FailedError as error:
                wish.used = error.args[0] != "gateway"
                raise
        else:
            text = wish.text
        try:
            settings, ca, _ = understand(text, wish)
        except SettingsError as error:
            raise _FailedError("refused", plain(error))
        try:
            _save(settings, ca)
        except OSError as error:
            print("not saved:", error)
            raise _FailedError("flash", "")
        return settings["kiosk"]


def _names_of(station):
    """The names of the networks around that can be shown: not all are UTF-8, some are hidden."""
    names = []
    try:
        rows = station.scan()
    except (OSError, RuntimeError):
        return names
    for row in rows:
        try:
            name = row[0].decode()
        except UnicodeError:
            continue
        if name and name not in names:
            names.append(name)
    return sorted(names)[:_NETWORKS_MAX]


async def _join(wish):
    """Join a Wi-Fi within `_JOIN_S`. Raises `_FailedError`."""
    station = network.WLAN(network.STA_IF)
    try:
        station.disconnect()
        await asyncio.sleep_ms(_LEAVE_MS)  # the driver needs a moment
        station.config(reconnects=_RECONNECTS)  # and then it says why it failed
        if wish.static:
            station.ifconfig(wish.static)
        station.connect(wish.network, wish.password)
        until = time.ticks_add(time.ticks_ms(), _JOIN_S * 1000)
        while not station.isconnected():
            if time.ticks_diff(until, time.ticks_ms()) <= 0:
                absent = station.status() == network.STAT_NO_AP_FOUND
                station.disconnect()
                raise _FailedError("absent" if absent else "wifi", wish.ssid)
            await asyncio.sleep_ms(200)
    except (OSError, RuntimeError) as error:  # what the port's esp_exceptions_helper raises
        print("wifi:", error)
        raise _FailedError("wifi", wish.ssid)


async def _fetched(host, port, code):
    """A kiosk's file from its gateway. Raises `_FailedError`."""
    place = "%s:%d" % (host, port)
    try:
        sealed = await asyncio.wait_for(
            setup_code.fetch(host, port, setup_code.path_of(code)), _FETCH_S
        )
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        print("gateway:", error)
        raise _FailedError("gateway", place)
    if sealed is None:
        raise _FailedError("code", place)
    try:
        return setup_code.unseal(sealed, code)
    except (SettingsError, ValueError) as error:
        raise _FailedError("refused", plain(error))


def _password():
    """Of the board's own Wi-Fi, another one each time."""
    chosen = ""
    while len(chosen) < _PASSWORD_LENGTH:
        index = os.urandom(1)[0] & 31
        if index < len(_CHARACTERS):
            chosen += _CHARACTERS[index]
    return chosen


def _save(settings, ca):
    """The certificate first: a power cut leaves no settings, or whole ones. Raises `OSError`."""
    with open(CA_PATH, "wb") as file:
        file.write(ca)
    with open(PATH, "w") as file:
        json.dump(settings, file)


async def _for_ever(work, *arguments):
    while True:
        try:
            await work(*arguments)
        except Exception as error:  # a page without names is still a page
            print("captive:", error)
        await asyncio.sleep(1)
