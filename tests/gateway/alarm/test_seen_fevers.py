"""The alarm remembers which fevers it has raised before, within bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.alarm import seen_fevers
from fevergate.alarm.seen_fevers import SeenFevers
from fevergate.protocol.messages import Identity

identities = st.builds(
    Identity, st.sampled_from(["a", "b"]), st.integers(0, 2), st.integers(1, 2**31 - 1)
)


@given(st.lists(identities), identities)
def test_exactly_the_added_fevers_are_known(added, candidate):
    known = SeenFevers(added)
    assert all(identity in known for identity in added)
    assert (candidate in known) == (candidate in added)
    assert len(known) == len(set(added))


def test_beyond_the_limit_the_oldest_boots_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(seen_fevers, "MAX_FEVERS", 100)
    known = SeenFevers(Identity("a", boot, seq) for boot in range(30) for seq in range(1, 11))
    assert len(known) <= 100
    assert Identity("a", 29, 10) in known and Identity("a", 0, 1) not in known


def test_a_boot_that_still_sends_fevers_is_not_the_first_to_be_forgotten(monkeypatch):
    monkeypatch.setattr(seen_fevers, "MAX_FEVERS", 20)
    known = SeenFevers(Identity("a", boot, seq) for boot in (0, 1) for seq in range(1, 11))
    known.add(Identity("a", 0, 11))
    assert Identity("a", 0, 1) in known and Identity("a", 1, 1) not in known


def test_if_a_kiosk_has_only_one_boot_its_older_fevers_are_forgotten(monkeypatch):
    monkeypatch.setattr(seen_fevers, "MAX_FEVERS", 100)
    known = SeenFevers(Identity("a", 1, seq) for seq in range(1, 1001))
    assert len(known) <= 100 and Identity("a", 1, 1000) in known


@pytest.mark.parametrize("boots", [1, 7])
def test_a_kiosk_that_sends_fevers_without_end_displaces_only_its_own(monkeypatch, boots):
    monkeypatch.setattr(seen_fevers, "MAX_FEVERS", 100)
    honest = [Identity("a", boot, seq) for boot in (1, 2) for seq in (3, 9)]
    known = SeenFevers(honest)
    for seq in range(1, 1001):
        known.add(Identity("b", seq % boots, seq))
    assert len(known) <= 100 and all(identity in known for identity in honest)


def test_old_fevers_are_seldom_searched_for(monkeypatch):
    """A search takes milliseconds, during which no other gate's fever lights its lamp."""
    monkeypatch.setattr(seen_fevers, "MAX_FEVERS", 100)
    known = SeenFevers()
    searches = []
    forget = known._forget
    monkeypatch.setattr(known, "_forget", lambda kiosk: (searches.append(kiosk), forget(kiosk)))
    for boot in range(1000):
        known.add(Identity("a", boot, 1))
    assert 1 <= len(searches) <= 20


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_repeat_changes_nothing(repeats):
    known = SeenFevers([Identity("a", 1, 7)] * repeats)
    assert len(known) == 1
