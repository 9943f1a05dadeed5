"""Texts of the idle screen that tell why the broker is out of reach.

Loaded when such a text is drawn, and unloaded afterwards. The codes are those of `Wifi.trouble`.
"""

PASSWORD = ("密码不对", "Password")
REFUSED = ("网络拒绝", "Refused")
SECURITY = ("加密不符", "Security")
GATEWAY = ("网关不通", "Gateway?")
OTHER = ("断网 %d", "WiFi %d")

WORDS = {
    0: GATEWAY,
    5: REFUSED,
    15: PASSWORD,
    200: ("信号中断", "WiFi out"),
    201: ("没有信号", "No Wi-Fi"),
    202: PASSWORD,
    203: REFUSED,
    204: PASSWORD,
    205: REFUSED,
    210: SECURITY,
    211: SECURITY,
    212: ("信号太弱", "Weak"),
    1000: ("正在联网", "Joining"),
    1001: ("正在联网", "Joining"),
    1010: GATEWAY,
    1100: ("没有地址", "No addr."),
}


def word(code, language):
    """The text for a code, in "zh" or "en"; it fits on a line of the display."""
    pair = WORDS.get(code, OTHER)
    text = pair[1 if language == "en" else 0]
    return text % code if pair is OTHER else text
