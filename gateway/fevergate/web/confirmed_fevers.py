"""Finds the confirmed fevers of the last hours in the follow-ups of this gateway."""

from collections import Counter

from fevergate.reports.fever_log import read_fever
from fevergate.web.context import Shared
from fevergate.web_common.told_cases import LOOK_BACK_S, MAX_OF_KIOSK, ConfirmedFever


def confirmed_fevers(shared: Shared) -> list[ConfirmedFever]:
    """Follow-ups that those on duty must know of, the oldest first; of each kiosk the first
    `MAX_OF_KIOSK`. Raises `StoreError` or `sqlite3.Error`."""
    now = shared.store.clock()
    follow_ups = shared.follow_ups.to_be_told(now - LOOK_BACK_S)
    if not follow_ups:
        return []
    confirmed: list[ConfirmedFever] = []
    of_kiosk = Counter[str]()
    with shared.reader() as reader:
        for identity, known in follow_ups:
            fever = read_fever(reader, identity)
            if of_kiosk[identity.kiosk] >= MAX_OF_KIOSK:
                continue
            of_kiosk[identity.kiosk] += 1
            confirmed.append(
                ConfirmedFever(
                    key=f"confirmed/{identity}",
                    campus=shared.settings.campus,
                    gate=fever.gate if fever else "",
                    kiosk=identity.kiosk,
                    at=min(known.at, now),
                    clinical_c=known.clinical_c,
                    clinical_site=known.clinical_site,
                    outcome=known.outcome,
                )
            )
    return confirmed
