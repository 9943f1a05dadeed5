"""The audit says who did what for as long as it is kept. Names of other people in it are deleted
after the same time as names elsewhere."""

from contextlib import closing

import pytest
from people_helpers import Clock
from sqlite_utils import Database

from fevergate.people import schema as people_schema
from fevergate.web_common import schema as web_schema
from fevergate.web_common.store import WebStore

DAY_S = 86400.0

ENTRIES = [
    ("acknowledge", "north by 赵敏", "north"),
    ("try lamps", "north by Li Wei", "north"),
    ("hand over", "north by 陈静 → 周敏", "north"),
    ("take case", "north-1/1/2 by 赵敏", "north-1/1/2"),
    ("take case", "hand/2026-11-27/4711 by 赵敏", "hand/2026-11-27/-"),
    ("on duty", "Li Wei north", ""),
    ("off duty", "赵敏", ""),
    ("on duty failed", "Li Wei north: name", "name"),
    ("override", "4711: stop", "-: stop"),
    ("end override", "4711", ""),
    ("forget person", "4711", ""),
    ("look at people", "4711", ""),
    ("look at people", "软件 2301", "软件 2301"),
    (
        "save follow-up",
        "north-1/1/2 by: 赵敏, clinical_c: None → 38.2, person",
        "north-1/1/2 clinical_c: None → 38.2, person",
    ),
    ("save follow-up", "north-1/1/2 by: 赵敏", "north-1/1/2"),
    (
        "save follow-up",
        "north-1/1/2 outcome: home → clinic, reason: seen by: 赵敏, again",
        "north-1/1/2 outcome: home → clinic, reason: -",
    ),
    ("save follow-up", "north-1/1/2 reason: 王芳", "north-1/1/2 reason: -"),
    (
        "correct entry",
        "visitors 12 phone, whom reason: 王芳 said so",
        "visitors 12 phone, whom reason: -",
    ),
    ("correct entry", "visitors 12 phone", "visitors 12 phone"),
    ("trace", "north-1/1/2 10 min: 7 reason: 38.9", "north-1/1/2 10 min: 7 reason: 38.9"),
    ("strike", "2026-11-27 north-1 8-9: 王芳: tried it", "2026-11-27 north-1 8-9: -"),
    ("take back strike", "2026-11-27 north-1 8-9: 王芳", "2026-11-27 north-1 8-9: -"),
    ("turned away", "王 芳 192.0.2.7", "192.0.2.7"),
    ("submit", "2026-11-27 v2 王芳 of the bureau", "2026-11-27 v2"),
    ("submit", "2026-11-27 v2", "2026-11-27 v2"),
    (
        "enter roll",
        "2026-11-27 软件 2301: 45 measured, 2 excused; 4711 38.9 → 36.5; 12 36.5 → -",
        "2026-11-27 软件 2301: 45 measured, 2 excused; 38.9 → 36.5; 36.5 → -",
    ),
    ("enter roll", "2026-11-27 软件 2301: 4711 38.9 → -", "2026-11-27 软件 2301: 38.9 → -"),
    ("take log", "log-2026-11-27.pdf", "log-2026-11-27.pdf"),
]


@pytest.mark.parametrize(("action", "what", "left"), ENTRIES)
def test_names_of_others_go_after_a_while_and_who_acted_stays(tmp_path, action, what, left):
    now = Clock()
    with closing(WebStore(tmp_path / "web.db", now)) as store:
        store.note("Zhang", action, what)
        at = now.at
        now.at += 10 * DAY_S
        store.note("Zhang", action, what)
        store.forget_others(at + DAY_S)
        assert [(row.user, row.action, row.what) for row in store.audit(9)] == [
            ("Zhang", action, what),
            ("Zhang", action, left),
        ]
        assert store.forget_others(at + DAY_S) == 0, "an entry is gone through once"


def test_many_old_entries_are_gone_through_in_one_call(tmp_path):
    now = Clock()
    with closing(WebStore(tmp_path / "web.db", now)) as store:
        with store.transaction() as connection:
            connection.executemany(
                "insert into audit(at, \"user\", action, what) values (?, 'Zhang', ?, ?)",
                [(now.at, "acknowledge", f"north by {n}") for n in range(1200)],
            )
        assert store.forget_others(now.at + 1) == 1200


def test_the_migration_drops_old_cases_whose_keys_hold_a_persons_number(tmp_path):
    database = Database(tmp_path / "web.db")
    web_schema.migrations.apply(database, stop_before="forgetting")
    for key in ("confirmed/hand/2026-11-27/4711", "confirmed/north-1/1/2"):
        database.table("told_cases").insert({"key": key, "fever": "{}", "opened_at": 1.0})
        notice = {"key": f"{key}/1/0", "kind": "confirmed", "campus": "east", "contact": "Chen"}
        notice |= {"channel": "email", "address": "x", "subject": "", "body": ""}
        database.table("notices").insert(notice | {"made_at": 1.0, "next_at": 0.0})
    web_schema.migrations.apply(database)
    for table in ("told_cases", "notices"):
        (row,) = database.table(table).rows
        assert row["key"].startswith("confirmed/north-1")


def test_the_migration_gives_each_old_fever_its_own_key(tmp_path):
    database = Database(tmp_path / "people.db")
    people_schema.migrations.apply(database, stop_before="case_keys")
    for person in (1, 2):
        mark = {"day": "2026-11-27", "person": person, "kind": "hand", "clinical_c": 38.9}
        database.table("marks").insert(
            mark | {"at": 1.0, "by": "Chen", "sealed": "", "revision": 1}
        )
    people_schema.migrations.apply(database)
    keys = {row["case_key"] for row in database.table("marks").rows}
    assert len(keys) == 2 and all(len(key) == 16 for key in keys)
