"""A board without settings: its own Wi-Fi, a page for a phone, and settings that are tried first.

Name and password of its Wi-Fi stand on its display: only who stands before it can join. What is
secret goes into one file and is never sent back.
"""

import asyncio
import binascii
import json
import os
import time

import machine
import network

from kiosk.captive import Pages, serve_dns
from kiosk.errors import SettingsError, plain
from kiosk.page import PAGE
from kiosk.settings import CA_PATH, PATH, Settings

HOST = "0.0.0.0"  # noqa: S104 - of the board's own Wi-Fi
HTTP_PORT = 80
DNS_PORT = 53
JOIN_S = 20
LEAVE_S = 3  # for the page to hear that all is well
NETWORKS_MAX = 16
CA_MAX = 4096

_TEXTS = {
    "joining": "正在连接无线网络 %s …\nJoining the Wi-Fi %s …",
    "failed": "连不上无线网络 %s：请检查名称和密码\nCannot join %s: check name and password",
    "saved": "已保存，测温机正在重启\nSaved. The kiosk starts anew.",
}


class Commissioning:
    """`run` returns when the board has settings."""

    def __init__(self, display):
        self._display = display
        self._station = network.WLAN(network.STA_IF)
        self._networks = []
        self._state = "idle"
        self._ssid = ""
        self._wanted = {}, b"", False
        self._submitted = asyncio.Event()

    async def run(self):
        """Until there are settings on flash."""
        address = self._open()
        pages = Pages(PAGE, self._about, self.submit)
        await asyncio.start_server(pages.serve, HOST, HTTP_PORT)
        asyncio.create_task(_for_ever(serve_dns, HOST, DNS_PORT, address))
        while self._state != "saved":
            await self._submitted.wait()
            self._submitted.clear()
            settings, ca, anyway = self._wanted
            try:
                if anyway or await self._joins(settings):
                    _save(settings, ca)
                    self._state = "saved"
                else:
                    self._state = "failed"
            except OSError as error:
                print("not saved:", error)
                self._state = "failed"
        await asyncio.sleep(LEAVE_S)

    def submit(self, message):
        """Take what the page sent; returns "" or, in both languages, what is wrong with it."""
        if self._state in ("joining", "saved"):
            return "请稍候\nIn a moment: the last settings are being tried"
        try:
            self._wanted = _understand(message)
        except SettingsError as error:
            return "文件或输入有误\nThis cannot be: %s" % plain(error)
        self._ssid = self._wanted[0]["wifi_ssid"]
        self._state = "joining"
        self._submitted.set()
        return ""

    def _open(self):
        """Open the board's own Wi-Fi; its address, 4 bytes."""
        name = "FeverGate-%s" % binascii.hexlify(machine.unique_id()[-2:]).decode().upper()
        password = "%08d" % (int.from_bytes(os.urandom(4), "big") % 100_000_000)
        self._station.active(True)
        try:
            found = [one[0].decode() for one in self._station.scan()]
        except (OSError, UnicodeError):
            found = []
        self._networks = sorted({one for one in found if one})[:NETWORKS_MAX]
        point = network.WLAN(network.AP_IF)
        point.active(True)
        point.config(ssid=name, key=password, security=network.AUTH_WPA2_PSK)
        self._display.message(name, password)
        asyncio.create_task(self._display.flush())
        print("commissioning: join the Wi-Fi %s, its password is on the display" % name)
        return bytes([int(part) for part in point.ifconfig()[0].split(".")])

    def _about(self):
        """What the page may know: nothing that is secret."""
        text = _TEXTS.get(self._state, "")
        if "%s" in text:
            text = text % (self._ssid, self._ssid)
        return {"state": self._state, "text": text, "networks": self._networks}

    async def _joins(self, settings):
        """Whether the Wi-Fi takes us; a board on a network of its own has none to join."""
        if not settings["wifi_ssid"]:
            return True
        station = self._station
        station.disconnect()
        station.connect(settings["wifi_ssid"], settings["wifi_password"])
        until = time.ticks_add(time.ticks_ms(), JOIN_S * 1000)
        while not station.isconnected():
            if time.ticks_diff(until, time.ticks_ms()) <= 0:
                station.disconnect()
                return False
            await asyncio.sleep_ms(200)
        return True


def _understand(message):
    """(settings, CA's bytes, save without trying) of what the page sent. Raises `SettingsError`."""
    if not isinstance(message, dict) or not isinstance(message.get("file"), str):
        raise SettingsError("expected the kiosk's file")
    try:
        file = json.loads(message["file"])
    except ValueError:
        raise SettingsError("the file is not JSON")
    if not isinstance(file, dict) or not isinstance(file.get("settings"), dict):
        raise SettingsError("the file is no kiosk.json of fevergate provision")
    settings = file["settings"]
    for name, field in (("ssid", "wifi_ssid"), ("password", "wifi_password")):
        value = message.get(name)
        if not isinstance(value, str):
            raise SettingsError("%s: expected text" % name)
        if message.get("ssid"):
            settings[field] = value
    settings["language"] = message.get("language")
    checked = Settings(settings)
    settings["wifi_ssid"], settings["wifi_password"] = checked.wifi_ssid, checked.wifi_password
    if len(settings["wifi_ssid"]) > 32 or len(settings["wifi_password"]) > 64:
        raise SettingsError("Wi-Fi: expected a name of 32 and a password of 64 at most")
    try:
        ca = binascii.a2b_base64(file["ca"])
    except (KeyError, TypeError, ValueError):
        raise SettingsError("ca: expected a certificate in base64")
    if not 0 < len(ca) <= CA_MAX or ca[0] != 0x30:
        raise SettingsError("ca: expected a certificate (DER)")
    return settings, ca, message.get("anyway") is True


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
