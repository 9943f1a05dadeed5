"""Builds the JSON of readings and health; field names follow the gateway's protocol."""

import json

from kiosk import VERSION, clock, record
from kiosk_board import BOARD


def rounded(value, digits=2):
    """A value rounded for a message; None stays None."""
    return None if value is None else round(value, digits)


def values_of(settings, seq, up_ms, judgement, queued):
    """The fields of a reading: the scan, its verdict, and all values needed to judge it again."""
    scan = judgement.scan
    alarm_c = judgement.threshold_c
    return {
        "seq": seq,
        "at": clock.utc(),
        "up_ms": up_ms,
        "object_c": scan.object_c,
        "ambient_c": scan.ambient_c,
        "skin_c": judgement.skin_c,
        "body_c": judgement.body_c,
        "threshold_c": settings.threshold_c if alarm_c is None else alarm_c,
        "baseline_c": judgement.baseline_c,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "samples": scan.samples,
        "scan_ms": scan.scan_ms,
        "queued": queued,
        "fw": VERSION,
    }


def reading(kiosk, boot, data):
    """The JSON of a stored reading; `data` is its `record`."""
    values = record.unpack(data)
    values.update({"v": 1, "kiosk": kiosk, "boot": boot})
    return json.dumps(values)


def health(settings, boot, up_ms, fault, doubt, **figures):
    """The JSON of a health message.

    `fault`: why the kiosk cannot screen, or ""; `doubt`: why it may be missing people although no
    fault is known, or ""; `figures`: the message's other fields.
    """
    values = {
        "v": 1,
        "kiosk": settings.kiosk,
        "boot": boot,
        "at": clock.utc(),
        "up_ms": up_ms,
        "state": "fault" if fault else "ok",
        "fault": fault or doubt,
        "fw": VERSION,
        "board": BOARD,
    }
    values.update(figures)
    return json.dumps(values)
