"""A campus server that is killed under load neither loses nor doubles what it confirmed."""

import pytest

from bench_suite.campus import crash

KILLS = 4


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_the_server_said_it_holds_is_there_once_whatever_falls(request, tmp_path, kind):
    database = "campus.db"
    if kind == "postgresql":
        database = request.getfixturevalue("postgres").database()
    result = crash(tmp_path, database, KILLS, 3)
    assert result["deliveries"] > KILLS and result["summaries"] > 100
    assert (result["lost"], result["invented"], result["wrong"]) == (0, 0, 0)
