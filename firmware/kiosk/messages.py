"""What the kiosk says of a scan and of itself, as JSON; fields as in the gateway's protocol."""

import json

from kiosk import VERSION, clock


def rounded(value, digits=2):
    """As it goes over the wire; None stays None."""
    return None if value is None else round(value, digits)


def reading(settings, boot, seq, up_ms, judgement, queued):
    """One scan under its verdict, with all that is needed to judge it again."""
    scan = judgement.scan
    return json.dumps(
        {
            "v": 1,
            "kiosk": settings.kiosk,
            "boot": boot,
            "seq": seq,
            "at": clock.utc(),
            "up_ms": up_ms,
            "object_c": rounded(scan.object_c),
            "ambient_c": rounded(scan.ambient_c),
            "skin_c": rounded(judgement.skin_c),
            "body_c": rounded(judgement.body_c),
            "threshold_c": settings.threshold_c,
            "baseline_c": rounded(judgement.baseline_c),
            "verdict": judgement.verdict,
            "reason": judgement.reason,
            "samples": scan.samples,
            "scan_ms": scan.scan_ms,
            "queued": queued,
            "fw": VERSION,
        }
    )


def health(settings, boot, up_ms, fault, **figures):
    """That it watches, or what keeps it from watching; `figures` are the message's other fields."""
    values = {
        "v": 1,
        "kiosk": settings.kiosk,
        "boot": boot,
        "at": clock.utc(),
        "up_ms": up_ms,
        "state": "fault" if fault else "ok",
        "fault": fault,
        "fw": VERSION,
    }
    values.update(figures)
    return json.dumps(values)
