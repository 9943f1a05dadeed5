"""What the kiosk says of a scan and of itself, as JSON; fields as in the gateway's protocol."""

import json

from kiosk import VERSION, clock, record
from kiosk_board import BOARD


def rounded(value, digits=2):
    """As it goes over the wire; None stays None."""
    return None if value is None else round(value, digits)


def values_of(settings, seq, up_ms, judgement, queued):
    """One scan under its verdict, with all that is needed to judge it again."""
    scan = judgement.scan
    return {
        "seq": seq,
        "at": clock.utc(),
        "up_ms": up_ms,
        "object_c": scan.object_c,
        "ambient_c": scan.ambient_c,
        "skin_c": judgement.skin_c,
        "body_c": judgement.body_c,
        "threshold_c": settings.threshold_c,
        "baseline_c": judgement.baseline_c,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "samples": scan.samples,
        "scan_ms": scan.scan_ms,
        "queued": queued,
        "fw": VERSION,
    }


def reading(kiosk, boot, data):
    """What is sent of a record, now or when the line is back."""
    values = record.unpack(data)
    values.update({"v": 1, "kiosk": kiosk, "boot": boot})
    return json.dumps(values)


def health(settings, boot, up_ms, fault, doubt, **figures):
    """That it watches, or what keeps it from watching; `doubt` is why it cannot say, though nothing
    is known to be broken. `figures` are the message's other fields."""
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
