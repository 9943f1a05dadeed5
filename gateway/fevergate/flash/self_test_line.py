"""Last part of the self-test: whether the board joins its Wi-Fi and signs in to its broker."""

from collections.abc import Iterator
from typing import Any

from fevergate.command_line.finding import Finding, fails, not_shown, ok
from fevergate.kiosks.cable import Cable
from fevergate.texts.translations import LANGUAGES, N_, both, translator
from fevergate.texts.trouble_text import wifi

WIFI_S = 25
BROKER_S = 20
SLACK_S = 15

_WIFI = N_(
    "check its name, its password and the signal, and provision again; an ESP32 knows only 2.4 GHz"
)
_RETURN_CODE = N_("return code {code}")
_CONNACK = {
    4: N_("wrong user name or password"),
    5: N_("not authorised"),
}


def run(cable: Cable, values: dict[str, Any] | None) -> Iterator[Finding]:
    """Yield each result as it comes; the board's firmware must not be running. `values` are the
    settings that the board reported, None if it has none."""
    if values is None:
        why = both("the board has no settings yet")
        advice = both("give --settings-from FOLDER --kiosk NAME")
        for check in ("Wi-Fi", "broker"):
            yield not_shown(check, why, advice)
        return
    if "error" in values:
        yield fails("settings", values["error"], "write them again")
        return
    if values["wifi"]:
        joined = _wifi(cable.ask(f"told(wifi, {WIFI_S})", WIFI_S + SLACK_S), values["wifi"])
        yield joined
        if joined.state != "ok":
            yield not_shown("broker", "there is no network")
            return
    else:
        yield not_shown("Wi-Fi", "the settings name no Wi-Fi", "provision it with --wifi-ssid")
    yield _broker(cable.ask(f"told(broker, {BROKER_S})", BROKER_S + SLACK_S), values["broker"])


def _wifi(answer: dict[str, Any], ssid: str) -> Finding:
    if answer.get("up"):
        dbm = answer["rssi"]
        return ok("Wi-Fi", "{ssid}, {dbm} dBm", ssid=ssid, dbm=dbm)
    if "error" in answer:
        why = answer["error"]
    else:
        why = tuple(wifi(answer["status"], translator(language)) for language in LANGUAGES)
    return fails("Wi-Fi", "{ssid}: {why}", _WIFI, ssid=ssid, why=why)


def _broker(answer: dict[str, Any], address: str) -> Finding:
    if answer.get("up"):
        return ok(
            "broker",
            "{where}: certificate right, logged in, {ms} ms",
            where=address,
            ms=answer["ms"],
        )
    error = answer.get("error", "")
    code = answer.get("code", 0)
    if code:
        why = both(_CONNACK.get(code, _RETURN_CODE), code=code)
        return fails(
            "broker",
            "{where}: refuses the login, {why}",
            "provision again on the gateway, restart mosquitto, write the settings again",
            where=address,
            why=why,
        )
    if answer.get("reached"):
        return fails(
            "broker",
            "{where}: no TLS ({error})",
            "is its certificate of another authority than the board's ca.der? write the"
            " settings from this gateway's own folder",
            where=address,
            error=error,
        )
    return fails(
        "broker",
        "{where}: cannot be reached ({error})",
        "does mosquitto run, are address and firewall right? fevergate doctor",
        where=address,
        error=error,
    )
