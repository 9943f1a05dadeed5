"""Finds the confirmed fevers of the last hours in follow-ups and in marks of people of the list."""

from collections import Counter

from fevergate.people.marks import fevers_since
from fevergate.reports.fevers import read_fever
from fevergate.web.context import Shared
from fevergate.web_common.told_cases import LOOK_BACK_S, MAX_KNOWN_OF_KIOSK, ConfirmedFever


def confirmed_fevers(shared: Shared) -> list[ConfirmedFever]:
    """The fevers that those on duty must be told of: first every fever entered by hand or at the
    desk, at most one a day for each person of the list; then the follow-ups that confirm one, the
    oldest first and only the newest `MAX_KNOWN_OF_KIOSK` of each kiosk. Raises `StoreError` or
    `sqlite3.Error`."""
    now = shared.store.clock()
    follow_ups = shared.follow_ups.needing_notice(now - LOOK_BACK_S)
    confirmed = _of_the_list(shared, now)
    if not follow_ups:
        return confirmed
    of_kiosk = Counter(identity.kiosk for identity, _ in follow_ups)
    with shared.reader() as reader:
        for identity, follow_up in follow_ups:
            of_kiosk[identity.kiosk] -= 1
            if of_kiosk[identity.kiosk] >= MAX_KNOWN_OF_KIOSK:
                continue
            fever = read_fever(reader, identity)
            confirmed.append(
                ConfirmedFever(
                    key=f"confirmed/{identity}",
                    campus=shared.settings.campus,
                    gate=fever.gate if fever else "",
                    kiosk=identity.kiosk,
                    at=min(follow_up.at, now),
                    clinical_c=follow_up.clinical_c,
                    clinical_site=follow_up.clinical_site,
                    outcome=follow_up.outcome,
                )
            )
    return confirmed


def _of_the_list(shared: Shared, now: float) -> list[ConfirmedFever]:
    """Fevers that were entered by hand or at the desk, without a name."""
    fevers = fevers_since(shared.people_db, shared.settings.zone, now - LOOK_BACK_S)
    return [
        ConfirmedFever.by_hand(
            f"{fever.day}/{fever.key}",
            shared.settings.campus,
            min(fever.at, now),
            fever.clinical_c,
            fever.unit,
        )
        for fever in fevers
    ]
