"""Texts of `fevergate log` and `fevergate status` in Chinese and English."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

TABLE: dict[str, tuple[str, str]] = {
    # key: (Chinese, English)
    "title": ("发热日志", "Fever log"),
    "today": ("今日", "today"),
    "gate": ("校门", "Gate"),
    "kiosk": ("测温机", "Kiosk"),
    "time": ("时间", "Time"),
    "undated": ("到达时间", "arrival time"),
    "skin_c": ("皮肤 °C", "Skin °C"),
    "body_c": ("体温（腋温等效）°C", "Body °C (axillary equivalent)"),
    "threshold_c": ("阈值 °C", "Threshold °C"),
    "ambient_c": ("环境 °C", "Ambient °C"),
    "acknowledged": ("处置人", "Acknowledged by"),
    "after": ("处置用时", "After"),
    "unacknowledged": ("未处置", "unacknowledged"),
    "normal": ("正常", "Normal"),
    "fever": ("发热", "Fever"),
    "retry": ("重测", "Retry"),
    "screened": ("已测", "Screened"),
    "in_service": ("在岗时段", "In service"),
    "watched": ("值守分钟", "Minutes watched"),
    "faulty": ("故障分钟", "Minutes faulty"),
    "silences": ("中断次数", "Silences"),
    "not_covered": ("无值守记录", "not covered"),
    "no_coverage": (
        "没有任何测温机值守：这不是零报告。",
        "No kiosk watched: this is not a report of zero.",
    ),
    "zero": (
        "零报告：当日无发热。值守情况见下表。",
        "Report of zero: no fever on this day. What was watched is below.",
    ),
    "lit": (
        "当日亮过红灯，对应的 {count} 人次发热记在另一天：不是零报告。",
        "Red lights of this day are for {count} fever(s) dated on another: no report of zero.",
    ),
    "late": (
        "其中 {minutes} 值守分钟为事后补报。",
        "{minutes} of the minutes watched were told long after.",
    ),
    "struck": (
        "{kiosk} {begin} 至 {end} 不计入：{people} 人、发热 {fevers} 人次，由 {by} 于 {at} 剔除"
        "（{reason}）。",
        "{kiosk} {begin} to {end} does not count: {people} people, {fevers} fever(s), struck by"
        " {by} at {at} ({reason}).",
    ),
    "taken_back": (
        "{kiosk} {begin} 至 {end} 重新计入：{by} 于 {at} 的剔除（{reason}）由 {undone_by} 于"
        " {undone_at} 撤销（{undone_reason}）。",
        "{kiosk} {begin} to {end} counts again: struck by {by} at {at} ({reason}), taken back by"
        " {undone_by} at {undone_at} ({undone_reason}).",
    ),
    "clock": (
        "{begin} 至 {end} 网关时钟存疑。",
        "From {begin} to {end} the gateway's clock was in doubt.",
    ),
    "cut": (
        "以上为前 {shown} 条，共 {count} 条；全部见 --format csv 或 json。",
        "These are the first {shown} of {count}; --format csv and json have all.",
    ),
    "first": ("以上为前 {shown} 条，共 {count} 条。", "These are the first {shown} of {count}."),
    "fevers_on": (
        "当日发热 {count} 人次，未处置 {open}。",
        "{count} fever(s), {open} not seen to.",
    ),
    "unlike": (
        "{kiosk} 与 {others} 的人群相差 {difference:+.2f} °C（界限 {limit:.2f}；"
        "{people} 人中位 {median:.2f}，其余 {others_people} 人中位 {others_median:.2f}）："
        "请检查镜头并校准。",
        "{kiosk} reads {difference:+.2f} °C beside {others} (limit {limit:.2f}; median {median:.2f}"
        " of {people} people, {others_median:.2f} of {others_people}): check its lens, calibrate.",
    ),
    "blind": (
        "{kiosk} 只见到 {people} 人，而 {busiest} 见到 {most} 人：镜头被遮住，还是通道关闭？",
        "{kiosk} saw {people} while {busiest} saw {most}: a covered lens, or a closed lane?",
    ),
    "alone": ("（也可能是另一台）", " (or the other one)"),
    "rescreened": (
        "{scans} 次扫描重新判定，{changed} 次会不同。",
        "{scans} scans decided again, {changed} would have been answered otherwise.",
    ),
    "before": ("原判定", "Before"),
    "now": ("重新判定", "Now"),
    "verdict": ("判定", "Verdict"),
    "scan": ("次序", "Scan"),
    "last_heard": ("最近上报", "last heard"),
    "state": ("状态", "State"),
    "heard": ("最近消息", "Heard"),
    "queued": ("待传", "Queued"),
    "red": ("红灯，{count} 人发热待处置", "red, {count} fever(s) to be seen to"),
    "amber": ("黄灯，有设备未值守", "amber, somebody does not watch"),
    "green": ("绿灯，全部值守", "green, everybody watches"),
    "runs": (
        "网关运行中：引脚 {pins}；消息线路 {line}；存储 {disk}；时钟 {clock}",
        "the gateway runs: pins {pins}; line {line}; disk {disk}; clock {clock}",
    ),
    "hangs": ("网关已 {seconds:.0f} 秒没有动静", "the gateway has hung for {seconds:.0f} s"),
    "yes": ("有", "yes"),
    "none": ("无", "none"),
    "fine": ("正常", "fine"),
    "not_believed": ("不可信", "not believed"),
    "never_heard": ("从未上报", "never heard"),
    "offline": ("离线", "offline"),
    "watches": ("值守", "watches"),
    "no_line": (
        "{kiosk}：上次断线时的无线网络：{why}",
        "{kiosk}: Wi-Fi when last without a line: {why}",
    ),
    "keeps": (
        "待转发汇总 {waiting} 条；数据库 {database:.1f} MB；磁盘剩余 {free:.0f} MB。",
        "{waiting} summaries wait; database {database:.1f} MB; {free:.0f} MB free.",
    ),
    "nobody_reported": ("尚无校区上报。", "No campus has reported yet."),
    "no_diagnosis": (
        "本系统只做筛查，不作诊断：红灯表示请用医用体温计复测。",
        "It screens and does not diagnose: a red light means measure again, clinically.",
    ),
}


def words(language: str) -> dict[str, str]:
    """The table in one language; in English for any language but `zh`."""
    column = 0 if language == "zh" else 1
    return {key: pair[column] for key, pair in TABLE.items()}
