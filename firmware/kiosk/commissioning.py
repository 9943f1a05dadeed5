"""Sets up a board without settings: it opens an access point and serves a page to a phone.

The access point's name and password are shown on the display only, so only a person in front of the
board can join. Settings are tried before they are stored; secrets are never sent back to the page.
While the board joins the gate's Wi-Fi, its access point changes channel and phones lose the
connection for some seconds. The result therefore stays on the page and on the display.
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

_HOST = "0.0.0.0"  # noqa: S104 - the board's own Wi-Fi
HTTP_PORT = 80
DNS_PORT = 53
ANSWER_S = 2  # time for the last answer to reach the page before the channel changes
_JOIN_S = 20
_LEAVE_MS = 300
_RECONNECTS = 2
_FETCH_S = 30
SEEN_S = 300  # time for which a successful result waits for a phone to come back
_LEAVE_S = 3
_NETWORKS_MAX = 16

# A password of 14 characters out of these 26, which cannot be confused, has 65.8 bits. From a
# recorded handshake (WPA2, 4096 rounds of SHA-1 per try) a large graphics card of 2022 tries 2.5
# million passwords a second: trying half of all passwords takes it 410,000 years.
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
    "flash": "无法写入设备\nCannot write to the board's flash",
    "saved": "设置完成，%s 正在重启\nDone. %s restarts now.",
}


class _FailedError(KioskError):
    """Commissioning failed. Arguments: a key of `_TEXTS`, and the detail that its text names."""


def main():
    """Run commissioning alone: commissioning and the kiosk together do not fit into memory."""
    asyncio.run(Commissioning().run())


class Commissioning:
    """Commissioning of one board; `run` returns when settings are on flash."""

    def __init__(self):
        self._display = SetupDisplay(Bus())
        self._networks = []
        self._name = ""
        self._news = "idle"  # state of the setup: "idle" or a key of `_TEXTS`
        self._about = ""  # the detail that the text of `_news` names
        self._busy = False
        self._wish = None
        self._submitted = asyncio.Event()
        self._seen = asyncio.Event()

    async def run(self):
        """Serve until settings are on flash, then up to `SEEN_S` until a phone shows the result."""
        address = self._open()
        host = ".".join([str(part) for part in address])
        pages = SetupServer(PAGE, host, self._state, self.submit)
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
        """Take the settings that the page sent; returns "" or an error text in both languages."""
        if self._busy or self._news == "saved":
            return "请稍候\nPlease wait: the last settings are being tried"
        try:
            self._wish = SetupRequest(message, self._wish)
        except SettingsError as error:
            return "输入有误\nInvalid input: %s" % plain(error)
        self._busy = True
        self._tell("joining", self._wish.ssid)
        self._submitted.set()
        return ""

    def _open(self):
        """Open the access point; returns its address (4 bytes). Raises `OSError`, with the access
        point closed."""
        self._name = "FeverGate-%s" % binascii.hexlify(machine.unique_id()[-2:]).decode().upper()
        station = network.WLAN(network.STA_IF)
        station.active(True)
        password = _password()  # drawn while the radio is on, which gives true random numbers
        point = network.WLAN(network.AP_IF)
        # Configured before it is activated: otherwise the access point is open until it is
        # configured (ports/esp32/network_wlan.c:272, :492).
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
        """Show a state (a key of `_TEXTS`) on page and display."""
        self._news, self._about = news, about
        self._display.tell(news, about, sign, last)
        print("commissioning:", news)

    def _state(self, seen):
        """The state for the page, without secrets. `seen`: the page has shown the last state."""
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
        """Join the Wi-Fi, fetch the settings if a code was given, and store them; returns the
        name of the kiosk or lamp post. Raises `_FailedError`."""
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
    """Names of the networks in range; leaves out hidden ones and names that are not UTF-8."""
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
    """Join the requested Wi-Fi within `_JOIN_S`. Raises `_FailedError`."""
    station = network.WLAN(network.STA_IF)
    try:
        station.disconnect()
        await asyncio.sleep_ms(_LEAVE_MS)  # the driver needs a moment
        station.config(reconnects=_RECONNECTS)  # limited, so that `status` tells why joining failed
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
    """Fetch a kiosk's file from its gateway, by a setup code. Raises `_FailedError`."""
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
    """A new random password for the access point."""
    chosen = ""
    while len(chosen) < _PASSWORD_LENGTH:
        index = os.urandom(1)[0] & 31
        if index < len(_CHARACTERS):
            chosen += _CHARACTERS[index]
    return chosen


def _save(settings, ca):
    """Write the certificate, then the settings: a power cut between the two leaves the board
    without settings, and it starts commissioning again. Raises `OSError`."""
    with open(CA_PATH, "wb") as file:
        file.write(ca)
    with open(PATH, "w") as file:
        json.dump(settings, file)


async def _for_ever(work, *arguments):
    while True:
        try:
            await work(*arguments)
        except Exception as error:  # the page works without DNS, and without the display
            print("captive:", error)
        await asyncio.sleep(1)
