"""Checks what the setup page sends: a setup code or a device's file, and the gate's Wi-Fi."""

import binascii
import json

from kiosk import setup_code
from kiosk.errors import SettingsError
from kiosk.settings import Settings

SSID_BYTES = 32
_PASSWORD_BYTES = 64
_CA_MAX = 4096


class SetupRequest:
    """A checked message of the setup page. Raises `SettingsError`.

    A message without a code and a file uses the code or file of the preceding request, `before`.

    `code`: (host, port, code), or None if `text` is the kiosk's file; `network`: the Wi-Fi's name
    as bytes, b"" for none; `ssid`: the name as text; `used`: whether the code has been used up;
    `anyway`: whether to store the settings without trying the Wi-Fi.
    """

    def __init__(self, message, before):
        if not isinstance(message, dict):
            raise SettingsError("expected an object")
        for name in ("given", "ssid", "password", "language"):
            if not isinstance(message.get(name), str):
                raise SettingsError("%s: expected text" % name)
        self.ssid = message["ssid"]
        self.password = message["password"]
        self.language = message["language"]
        self.network = self.ssid.encode()
        self.static = None
        self.anyway = message.get("anyway") is True
        self.used = False
        self.code = None
        self.text = message["given"].strip()
        if len(self.network) > SSID_BYTES or len(self.password.encode()) > _PASSWORD_BYTES:
            raise SettingsError("Wi-Fi: expected a name of 32 and a password of 64 bytes at most")
        if not self.text and before and not before.used:
            self.code, self.text = before.code, before.text
        elif not self.text:
            raise SettingsError("expected a setup code from this device's page on the gateway")
        elif self.text[0] != "{":
            self.code = setup_code.parse(self.text)
        if self.code:
            self.anyway = False
            if not self.ssid:
                raise SettingsError("Wi-Fi: expected a name, needed to reach the gateway")
        else:
            _, _, checked = understand(self.text, self)
            self.network, self.password = checked.ssid, checked.wifi_password
            self.ssid = checked.wifi_ssid or checked.wifi_ssid_hex
            self.static = checked.static


def understand(text, wish):
    """(values, CA certificate in DER, `Settings`) from the text of a kiosk's file, with the Wi-Fi
    and language of the request `wish`. Raises `SettingsError`."""
    try:
        file = json.loads(text)
    except ValueError:
        raise SettingsError("the file is not JSON")
    if not isinstance(file, dict) or not isinstance(file.get("settings"), dict):
        raise SettingsError("the file is no kiosk.json of fevergate provision")
    settings = file["settings"]
    if wish.ssid and wish.ssid != settings.get("wifi_ssid_hex"):
        settings["wifi_ssid"], settings["wifi_password"] = wish.ssid, wish.password
        settings["wifi_ssid_hex"] = ""
    settings["language"] = wish.language
    checked = Settings(settings)
    try:
        ca = binascii.a2b_base64(file["ca"])
    except (KeyError, TypeError, ValueError):
        raise SettingsError("ca: expected a certificate in base64")
    if not 0 < len(ca) <= _CA_MAX or ca[0] != 0x30:
        raise SettingsError("ca: expected a certificate (DER)")
    return settings, ca, checked
