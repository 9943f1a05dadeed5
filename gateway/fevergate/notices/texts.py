"""Texts of the notices, in Chinese and English. They name no person, since they leave the campus.
Every subject contains FeverGate, for mail rules and the keyword of a group's robot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from fevergate.settings.gateway import Language

Text = dict[Language, str]

TABLE: dict[str, tuple[str, str, str, str]] = {
    # key: (Chinese subject, Chinese body, English subject, English body)
    "fever": (
        "FeverGate 发热未处置：{place}，校门 {gate}",
        "{place}，校门 {gate}，测温机 {kiosk}：{at} 发热{celsius}，截至 {now} 无人处置。\n"
        "请立即到场，用体温计复测，并在值守页面上处置。",
        "FeverGate: fever not seen to at {place}, gate {gate}",
        "{place}, gate {gate}, kiosk {kiosk}: fever at {at}{celsius}, acknowledged by nobody as of"
        " {now}.\n"
        "Go there now, measure again with a clinical thermometer, and acknowledge it on the guard's"
        " board.",
    ),
    "fevers": (
        "FeverGate 迟到的发热记录 {count} 条：{place}",
        "{place}：收到 {first} 至 {last} 的发热记录 {count} 条，均已超过一天，"
        "截至 {now} 无人处置。\n请在发热日志中逐条核对并补记处置结果。",
        "FeverGate: {count} fever(s) reported late by {place}",
        "{place}: {count} fever(s) of {first} to {last}, over a day old, acknowledged by nobody"
        " as of {now}.\n"
        "Go through them in the fever log and enter what became of each.",
    ),
    "silent": (
        "FeverGate 网关失联：{place}，{gateway}",
        "{place}的网关 {gateway} 自 {at} 起没有上报。\n"
        "校门的红灯不受影响；请检查其电源、网络和时钟（fevergate doctor）。",
        "FeverGate: gateway silent, {place}, {gateway}",
        "Gateway {gateway} of {place} was last heard at {at}.\n"
        "The red lights at its gates work without us; check its power, network and clock (fevergate"
        " doctor).",
    ),
    "never": (
        "FeverGate 网关从未上报：{place}，{gateway}",
        "{place}的网关 {gateway} 至 {now} 从未上报。\n"
        "请检查其 gateway.toml 中的 [campus_server] 和令牌（fevergate doctor）。",
        "FeverGate: gateway never heard, {place}, {gateway}",
        "Gateway {gateway} of {place} was never heard, as of {now}.\n"
        "Check [campus_server] in its gateway.toml, and its token (fevergate doctor).",
    ),
    "heard": (
        "FeverGate 网关已恢复：{place}，{gateway}",
        "{place}的网关 {gateway} 已恢复上报，最近一次 {at}。不必再处理。",
        "FeverGate: gateway heard again, {place}, {gateway}",
        "Gateway {gateway} of {place} is heard again, last at {at}. Nothing more is to be done.",
    ),
    "remind": (
        "FeverGate 日报即将截止：{date}",
        "{date} 的日报须于 {deadline} 前提交。截至 {now}：{state}。\n请登录校园服务器完成。",
        "FeverGate: daily report of {date} is due",
        "The report of {date} is due at {deadline}. As of {now}: {state}.\n"
        "Sign in to the campus server and complete it.",
    ),
    "late": (
        "FeverGate 日报已逾期：{date}",
        "{date} 的日报已过截止时间 {deadline}。截至 {now}：{state}。\n请立即登录校园服务器完成。",
        "FeverGate: daily report of {date} is late",
        "The report of {date} was due at {deadline}. As of {now}: {state}.\n"
        "Sign in to the campus server and complete it now.",
    ),
}

MISSING: Text = {"zh": "缺报：{}", "en": "missing: {}"}
UNSIGNED: Text = {"zh": "未签字", "en": "not signed"}
UNSUBMITTED: Text = {"zh": "未提交", "en": "not submitted"}
BETWEEN: Text = {"zh": "、", "en": ", "}
PARTS_BETWEEN: Text = {"zh": "；", "en": "; "}


def texts(key: str, **fields: object) -> tuple[Text, Text]:
    """Subject and body by language; a field may itself be a text by language."""
    subject: Text = {}
    body: Text = {}
    for number, language in enumerate(get_args(Language)):
        said = {
            name: field[language] if isinstance(field, Mapping) else field
            for name, field in fields.items()
        }
        subject[language] = TABLE[key][2 * number].format(**said)
        body[language] = TABLE[key][2 * number + 1].format(**said)
    return subject, body


def celsius(body_c: float | None) -> Text:
    """A temperature in parentheses; empty for None."""
    said = "" if body_c is None else f"{body_c:.1f} °C"
    return {"zh": said and f"（{said}）", "en": said and f" ({said})"}


def report_state(missing: list[Text], *, signed: bool) -> Text:
    """What an unsubmitted report still lacks, as a text by language."""
    said: Text = {}
    for language in get_args(Language):
        names = BETWEEN[language].join(place[language] for place in missing)
        parts = [MISSING[language].format(names)] if names else []
        parts += [] if signed else [UNSIGNED[language]]
        said[language] = PARTS_BETWEEN[language].join([*parts, UNSUBMITTED[language]])
    return said
