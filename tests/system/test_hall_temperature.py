"""A hall too cold to measure in is no watched hall: real broker and gateway, shipped firmware."""

from kiosk_helpers import ANSWER_S, HEALTHY, until

from fevergate.evaluation.people_file import Person
from fevergate.storage.connection import open_reader
from harness.system import System

IN_A_COLD_HALL = Person("in a cold hall", (33.8, 33.8, 33.8, 33.8), 10.0)


def test_a_hall_too_cold_to_measure_in_is_told_and_counts_as_not_watched(tmp_path):
    gates = {"north": ["north-1"]}
    with System(tmp_path / "site", [IN_A_COLD_HALL], speed=8, gates=gates) as system:
        database = system.settings.path(system.settings.database)
        until(lambda: "kiosks" in open_reader(database).table_names())

        def value(sql):
            reader = open_reader(database)
            try:
                row = reader.execute(sql).fetchone()
                return row and row[0]
            finally:
                reader.close()

        (board,) = system.boards
        until(lambda: value("select health ->> '$.fault' from kiosks") == "hall too cold")
        until(lambda: value("select count(*) from readings where at is not null"))
        assert value("select group_concat(distinct reason) from readings") == "room"
        assert value("select health ->> '$.state' from kiosks") == "fault"
        # The health of a whole minute, not the first one, which nothing had been watched before.
        until(lambda: value("select health ->> '$.up_ms' from kiosks") > 60_000)
        assert not value("select max(watched) from hours")

        board.admit([HEALTHY])  # from here on the hall is as warm as where that person stands
        board.wait_crowd(ANSWER_S)
        until(lambda: value("select health ->> '$.fault' from kiosks") == "")
        until(lambda: value("select max(watched) from hours"))
