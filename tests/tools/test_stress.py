"""`tools/measure stress`: the shipped decision judges a simulated queue, and errors are counted."""

import json
import random
from functools import partial

import pytest

from fevergate.errors import FeverGateError
from measurement import stress_gate
from measurement.__main__ import main
from measurement.stress import SCENARIOS, SITES, markdown, percent, stress
from measurement.stress_gate import Gate, Tally, Visitor

COLUMNS = [f"{site}_{number}" for site in SITES for number in range(1, 5)]
USUAL_C = {"canthus": 35.57, "face_max": 35.90, "forehead": 34.32}


@pytest.fixture
def people_csv(tmp_path):
    """A file of people whose skin temperature follows that of the mouth at every site: 60 well, 6
    with a mild fever, 6 feverish."""
    rng = random.Random(7)
    path = tmp_path / "people.csv"
    lines = [",".join(["subject", "camera", "ambient_c", "oral_c", *COLUMNS])]
    for number in range(72):
        oral_c = 37.75 if number % 12 == 1 else 38.8 if number % 12 == 2 else 36.85
        own_c = rng.gauss(0, 0.15)
        skin = [
            f"{USUAL_C[column.rsplit('_', 1)[0]] + oral_c - 36.87 + own_c + rng.gauss(0, 0.05):.2f}"
            for column in COLUMNS
        ]
        lines.append(",".join([str(number), "FLIR", "23.2", str(oral_c), *skin]))
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def gate(tmp_path, monkeypatch):
    monkeypatch.setattr(stress_gate, "STAYS_SHARE", 1.0)
    return Gate("canthus", random.Random(3), tmp_path)


person = partial(Visitor, air_c=23.2, oral_c=36.8)
HEALTHY = (35.5, 35.5, 35.5, 35.5)
FEVERISH = (37.4, 37.4, 37.4, 37.4)


def test_a_queue_is_answered_person_by_person(gate):
    crowd = [person(HEALTHY) for _ in range(20)] + [person(FEVERISH, oral_c=39.0)]
    gate.queue(iter(crowd))
    assert [visitor.answer for visitor in crowd] == ["normal"] * 20 + ["fever"]
    assert [visitor.readings for visitor in crowd] == [1] * 20 + [2]
    assert gate.seen == crowd


def test_somebody_who_walks_off_after_a_first_positive_still_raises_an_alarm(gate):
    walks_off = person(FEVERISH, oral_c=39.0, confirms=False)
    gate.queue(iter([person(HEALTHY), walks_off]))
    gate.wait(10)
    assert walks_off.alarmed and walks_off.readings == 2


def test_a_person_with_cold_skin_is_scanned_again_and_counted_as_cold(gate):
    cold = person((33.5,) * 4)
    gate.visit(cold)
    tally = Tally()
    tally.add([cold])
    assert cold.answer == "cold" and cold.readings == 3
    assert (tally.healthy, tally.cold, tally.alarmed) == (1, 1, 0)


def test_a_mild_fever_counts_neither_as_fever_nor_as_healthy():
    tally = Tally()
    tally.add([person(HEALTHY, oral_c=37.7)])
    assert (tally.fevers, tally.healthy, tally.visitors) == (0, 0, 1)


def test_the_same_seeds_give_the_same_table(people_csv):
    play = partial(stress, people_csv, seeds=1, only=("cold_person", "sun"))
    rows = play()
    assert rows == play()
    assert [(row["scenario"], row["site"]) for row in rows] == [
        (name, site) for name in ("sun", "cold_person") for site in SITES
    ]
    for row in rows:
        low, high = row["let_through_interval"]
        assert low <= row["let_through"] <= high
        assert row["reported_after_days"] is None and row["reported"] is None


def test_every_scenario_has_a_name_of_its_own_and_a_line_of_the_table():
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
    rows = [
        {
            "scenario": name,
            "let_through": 0.5,
            "alarmed": None,
            "cold": 0.012,
            "reported": "1/1",
            "reported_after_days": 0.02,
        }
        for name in names
    ]
    table = markdown(rows).splitlines()
    assert len(table) == 2 + len(names)
    assert table[2].endswith("| 50 | - | 1.2 | 0.5 h |")


def test_what_is_printed_as_json_is_a_list_of_rows(people_csv, capsys, monkeypatch):
    arguments = ["stress", str(people_csv), "--seeds", "1", "--only", "step_down", "--json"]
    monkeypatch.setattr("sys.argv", ["measure", *arguments])
    assert main() == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["site"] for row in rows] == list(SITES)
    keys = {"scenario", "site", "let_through", "alarmed", "cold", "reported_after_days"}
    assert all(keys <= row.keys() for row in rows)


def test_a_file_without_fevers_is_refused_in_words(people_csv):
    lines = people_csv.read_text().splitlines()
    people_csv.write_text("\n".join(line for line in lines if ",38.8," not in line))
    with pytest.raises(FeverGateError, match="nobody ill at canthus"):
        stress(people_csv, seeds=1)


def test_shares_are_shown_in_percent():
    assert [percent(share) for share in (None, 0.0, 0.0123, 0.0996, 1.0)] == [
        "-",
        "0.0",
        "1.2",
        "10",
        "100",
    ]
