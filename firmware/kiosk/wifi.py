"""Joins the campus's Wi-Fi and joins again whenever it is lost."""

import asyncio

import network

CHECK_S = 5


class Wifi:
    """The station interface; without an SSID the board is taken to be on a network already."""

    def __init__(self, ssid, password):
        self._ssid = ssid
        self._password = password
        self._wlan = network.WLAN(network.STA_IF) if ssid else None

    def up(self):
        """Whether there is a network."""
        return self._wlan is None or self._wlan.isconnected()

    def rssi(self):
        """Signal in dBm, or None."""
        try:
            return self._wlan.status("rssi") if self._wlan and self.up() else None
        except (OSError, ValueError):
            return None

    async def run(self):
        """Keep the board joined, for ever."""
        if self._wlan is None:
            return
        self._wlan.active(True)
        while True:
            if not self._wlan.isconnected():
                try:
                    self._wlan.connect(self._ssid, self._password)
                except OSError as error:
                    print("wifi:", error)
            await asyncio.sleep(CHECK_S)
