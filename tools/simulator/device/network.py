"""The board's `network` module; simulator/radio.py in the world simulates the station itself.

Behaves as ports/esp32/network_wlan.c and network_common.c of MicroPython 1.28.0.
"""

import clock
import wire

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3

_ERRORS = (
    "",
    "Wifi Not Started",
    "Wifi Internal State Error",
    "Wifi Internal Error",
    "Wifi Not Connected",
)
_KEY_MIN = 8  # shortest WPA2 passphrase
_OWN_ADDRESS = "192.168.4.1"
_SCAN_MS = 2400  # 11 channels at 120 ms, two passively at 360 ms, and the return
_interfaces = {}


def _call(*call):
    """Send one call to the world. Raises `OSError` as the port's `esp_exceptions` does."""
    error, result = wire.ask_json(wire.WIFI, *call)
    if error:
        raise OSError(_ERRORS[error])
    return result


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


class WLAN:
    """One interface; all objects of an interface share its state, as on a board."""

    PM_NONE = 0
    PM_PERFORMANCE = 1

    def __init__(self, interface=STA_IF):
        self._state = _interfaces.setdefault(
            interface, {"active": False, "config": {"pm": WLAN.PM_PERFORMANCE, "reconnects": -1}}
        )
        self._station = interface == STA_IF

    def active(self, on=None):
        """Read or switch the interface's state."""
        if on is None:
            return self._state["active"]
        if on and not self._station:
            self._refuse_open()
        self._state["active"] = bool(on)
        if self._station:
            _call("active", bool(on))
        return self._state["active"]

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to join a network. Without `bssid` the station joins the first access point that it
        hears, and stays with it. Raises `OSError` while joining or joined."""
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        ssid = _bytes(ssid or b"")
        key = _bytes(key or b"")
        self._state["config"]["ssid"] = ssid
        _call("connect", ssid.hex(), key.hex(), bytes(bssid or b"").hex())

    def scan(self):
        """(ssid, bssid, channel, dBm, security, False) of each network heard; blocks for 2.4 s.
        Empty while the station is joining."""
        if not self._state["active"]:
            raise OSError("STA must be active")
        try:
            _call("scan")
        except OSError:
            return []
        clock.sleep_ms(_SCAN_MS)
        return [
            (bytes.fromhex(ssid), bytes.fromhex(bssid), channel, rssi, security, False)
            for ssid, bssid, channel, rssi, security in _call("heard")
        ]

    def disconnect(self):
        """Leave, or stop joining."""
        _call("disconnect")

    def isconnected(self):
        """Whether the station has an address."""
        return self._station and self.status() == STAT_GOT_IP

    def status(self, param=None):
        """The connection's state, or with "rssi" the signal in dBm."""
        if param is None:
            return _call("status") if self._station else None
        if param != "rssi":
            raise ValueError("unknown status param")
        return _call("rssi")

    def config(self, *names, **values):
        """Read one parameter, or set several."""
        if names:
            if names[0] in self._state["config"]:
                return self._state["config"][names[0]]
            raise ValueError("unknown config param")
        if self._station and "reconnects" in values:
            _call("reconnects", values["reconnects"])
        if self._station and "pm" in values:
            _call("power_save", values["pm"])
        self._state["config"].update(values)
        return None

    def ifconfig(self, addresses=None):
        """Read (address, mask, router, name server), or set them: all four, or "dhcp"."""
        if addresses is None:
            if not self._station:
                return (_OWN_ADDRESS, "255.255.255.0", _OWN_ADDRESS, _OWN_ADDRESS)
            return tuple(_call("lease"))
        if self._station:
            _call("static", *(() if addresses == "dhcp" else addresses))
        return None

    def _refuse_open(self):
        """Raise `RuntimeError` if a board would now be on the air as an open network."""
        config = self._state["config"]
        if config.get("security", AUTH_OPEN) == AUTH_OPEN or len(config.get("key", "")) < _KEY_MIN:
            raise RuntimeError("simulator: an access point without a password is on the air")
