"""Texts of the display during commissioning, in both languages, as none has been chosen yet."""

WORDS = {
    "scan": ("扫码", "Scan"),
    "joining": ("正在连接", "Joining Wi-Fi"),
    "fetching": ("领取设置", "Fetching"),
    "wifi": ("连接失败", "Wi-Fi failed"),
    "absent": ("没有网络", "No such Wi-Fi"),
    "gateway": ("网关无应答", "No gateway"),
    "code": ("设置码无效", "Code unknown"),
    "refused": ("设置无效", "Refused"),
    "flash": ("写入失败", "Flash failed"),
    "saved": ("设置完成", ""),
}
