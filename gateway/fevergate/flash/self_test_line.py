"""Last part of the self-test: whether the board joins its Wi-Fi and signs in to its broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fevergate.flash.cable import Cable
from fevergate.flash.models import Pair
from fevergate.flash.results import Result, both, fails
from fevergate.texts.translations import LANGUAGES, translations
from fevergate.texts.trouble_text import wifi

WIFI_S = 25
BROKER_S = 20
SLACK_S = 15

_WIFI: Pair = (
    "检查名称、密码和信号，再重新 provision；ESP32 只支持 2.4 GHz",
    "check its name, its password and the signal, and provision again; an ESP32 knows only 2.4 GHz",
)
_CONNACK: dict[int, Pair] = {
    4: ("用户名或密码错误", "wrong user name or password"),
    5: ("未获授权", "not authorised"),
}


def run(cable: Cable) -> Iterator[Result]:
    """Yield each result as it comes; the board's firmware must not be running."""
    known = cable.ask("told(settings)")
    if known is None:
        why = ("板上还没有设置", "the board has no settings yet")
        how = (
            "加上 --settings-from 文件夹 --kiosk 名称",
            "give --settings-from FOLDER --kiosk NAME",
        )
        for check in ("Wi-Fi", "broker"):
            yield Result(check=check, state="not shown", text=why, advice=how)
        return
    if "error" in known:
        yield fails("settings", *both(known["error"]), ("重新写入设置", "write them again"))
        return
    if known["wifi"]:
        joined = _wifi(cable.ask(f"told(wifi, {WIFI_S})", WIFI_S + SLACK_S), known["wifi"])
        yield joined
        if joined.state != "ok":
            yield Result(
                check="broker", state="not shown", text=("没有网络", "there is no network")
            )
            return
    else:
        yield Result(
            check="Wi-Fi",
            state="not shown",
            text=("设置里没有无线网络", "the settings name none"),
            advice=("provision 时给出 --wifi-ssid", "provision it with --wifi-ssid"),
        )
    yield _broker(cable.ask(f"told(broker, {BROKER_S})", BROKER_S + SLACK_S), known["broker"])


def _wifi(answer: dict[str, Any], ssid: str) -> Result:
    if answer.get("up"):
        dbm = answer["rssi"]
        return Result(check="Wi-Fi", state="ok", text=(f"{ssid}，{dbm} dBm", f"{ssid}, {dbm} dBm"))
    if "error" in answer:
        zh = en = answer["error"]
    else:
        zh, en = (wifi(answer["status"], translations(language).gettext) for language in LANGUAGES)
    return fails("Wi-Fi", f"{ssid}：{zh}", f"{ssid}: {en}", _WIFI)


def _broker(answer: dict[str, Any], where: str) -> Result:
    if answer.get("up"):
        return Result(
            check="broker",
            state="ok",
            text=(
                f"{where}：证书正确，登录成功，{answer['ms']} 毫秒",
                f"{where}: certificate right, logged in, {answer['ms']} ms",
            ),
        )
    said = answer.get("error", "")
    code = answer.get("code", 0)
    if code:
        zh, en = _CONNACK.get(code, (f"返回码 {code}", f"return code {code}"))
        return fails(
            "broker",
            f"{where}：拒绝登录，{zh}",
            f"{where}: refuses the login, {en}",
            (
                "在网关上重新 provision 并重启 mosquitto，再写入设置",
                "provision again on the gateway, restart mosquitto, write the settings again",
            ),
        )
    if answer.get("reached"):
        return fails(
            "broker",
            f"{where}：TLS 未建立（{said}）",
            f"{where}: no TLS ({said})",
            (
                "证书不是由本板的 ca.der 签发？用网关自己的文件夹重新写入设置",
                "is its certificate of another authority than the board's ca.der? write the "
                "settings from this gateway's own folder",
            ),
        )
    return fails(
        "broker",
        f"{where}：连接不上（{said}）",
        f"{where}: cannot be reached ({said})",
        (
            "mosquitto 在运行吗？地址和防火墙对吗？fevergate doctor",
            "does mosquitto run, are address and firewall right? fevergate doctor",
        ),
    )
