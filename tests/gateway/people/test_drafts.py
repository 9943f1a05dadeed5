"""A list that was uploaded is kept for an hour, encrypted, and only the newest few."""

import pytest
from people_helpers import entry, gateway_people

from fevergate.errors import PeopleError
from fevergate.people.changes import DRAFT_S
from fevergate.people.drafts import MOST_DRAFTS, ListDrafts
from fevergate.people.list_file import ListFile

LISTED = ListFile(entries=[entry("1", name="赵一")], doubled=[], ignored=[])


@pytest.fixture
def people(tmp_path, clock):
    with gateway_people(tmp_path, clock) as store:
        yield store


@pytest.fixture
def drafts(people):
    return ListDrafts(people)


def is_kept(drafts, id_):
    try:
        return drafts.get(id_).listed == LISTED
    except PeopleError:
        return False


def test_a_draft_is_kept_for_an_hour(drafts, clock):
    id_ = drafts.keep("list.csv", LISTED, "Li")
    draft = drafts.get(id_)
    assert (draft.file, draft.by, draft.listed) == ("list.csv", "Li", LISTED)
    clock.at += DRAFT_S - 1
    assert is_kept(drafts, id_)
    clock.at += 1
    assert not is_kept(drafts, id_)


def test_the_oldest_drafts_give_way(drafts, clock):
    ids = []
    for _ in range(MOST_DRAFTS + 2):
        clock.at += 1
        ids.append(drafts.keep("list.csv", LISTED, "Li"))
    assert [id_ for id_ in ids if is_kept(drafts, id_)] == ids[2:]


def test_a_draft_of_a_clock_that_was_ahead_does_not_stay(drafts, people, clock):
    clock.at += 10 * DRAFT_S
    drafts.keep("list.csv", LISTED, "Li")
    clock.at -= 10 * DRAFT_S
    draft = drafts.keep("list.csv", LISTED, "Li")
    assert people.statements.query("select id from drafts") == [(draft,)]
