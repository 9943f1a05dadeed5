"""People come from files that are checked, or from published statistics."""

import csv
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import PEOPLE_FILE

from simulator.errors import PeopleFileError, SimulatorError
from simulator.people import SITES, Person, load_people
from simulator.population import SITE_STATISTICS, built_in_crowd

HEADER = "subject,camera,ambient_c,oral_c,canthus_1,canthus_2,canthus_3,canthus_4\n"

needs_people = pytest.mark.skipif(
    not PEOPLE_FILE.exists(), reason="the measured people are not beside this repository"
)


def people_file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "people.csv"
    path.write_text(header + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_reads_rounds_room_and_mouth_in_order(tmp_path: Path) -> None:
    path = people_file(
        tmp_path, "b,FLIR,22.5,36.9,35.1,35.2,,35.4", "a,ICI,22,,35,35,35,35", "c,FLIR,23,,35.5,,,"
    )
    assert load_people(path) == [
        Person("b", (35.1, 35.2, 35.4), 22.5, 36.9),
        Person("c", (35.5,), 23.0, None),
    ]
    assert [person.subject for person in load_people(path, camera="ICI")] == ["a"]
    assert [person.subject for person in load_people(path, limit=1)] == ["b"]


def test_who_has_no_value_for_the_site_is_skipped(tmp_path: Path) -> None:
    path = people_file(tmp_path, "a,FLIR,22,36.9,,,,", "b,FLIR,22,36.9,35,35,35,35")
    assert [person.subject for person in load_people(path)] == ["b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,FLIR,22,36.9,warm,35,35,35", "line 3, column canthus_1: expected °C"),
        ("a,FLIR,22,36.9,35,nan,35,35", "line 3, column canthus_2: expected °C"),
        ("a,FLIR,22,36.9,95.2,35,35,35", "line 3, column canthus_1: expected °C from 10 to 50"),
        ("a,FLIR,,36.9,35,35,35,35", "line 3, column ambient_c: expected °C"),
        ("a,FLIR,22,x,35,35,35,35", "line 3, column oral_c: expected °C"),
        (",FLIR,22,36.9,35,35,35,35", "line 3, column subject: expected a name"),
        ("a,FLIR,22,36.9", "line 3: expected 8 fields"),
        ("a,FLIR,22,36.9,35,35,35,35,35", "line 3: expected 8 fields"),
        ('a,FLIR,22,36.9,35,35,35,"35', "line 3"),
    ],
)
def test_a_wrong_field_is_named_by_file_line_and_column(
    tmp_path: Path, line: str, message: str
) -> None:
    path = people_file(tmp_path, "fine,FLIR,22,36.9,35,35,35,35", line)
    with pytest.raises(PeopleFileError) as caught:
        load_people(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_column_site_or_file_is_named(tmp_path: Path) -> None:
    path = people_file(tmp_path, header="subject,camera\n")
    with pytest.raises(PeopleFileError, match="line 1: expected a column 'ambient_c'"):
        load_people(path)
    with pytest.raises(PeopleFileError, match="expected one of canthus"):
        load_people(path, site="nose")
    with pytest.raises(PeopleFileError, match="No such file"):
        load_people(tmp_path / "nobody.csv")


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEADER.encode() + data)
    try:
        people = load_people(path)
    except PeopleFileError as error:
        assert str(path) in str(error)
    else:
        assert all(1 <= len(person.rounds_c) <= 4 for person in people)


@needs_people
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("camera", ["FLIR", "ICI"])
def test_the_measured_people_are_all_there(site: str, camera: str) -> None:
    with PEOPLE_FILE.open(newline="", encoding="utf-8") as file:
        expected = [
            row["subject"]
            for row in csv.DictReader(file)
            if row["camera"] == camera and any(row[f"{site}_{n}"] for n in range(1, 5))
        ]
    people = load_people(PEOPLE_FILE, site=site, camera=camera)
    assert [person.subject for person in people] == expected
    assert len(people) > 500


def test_the_crowd_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert built_in_crowd(20, seed=1) == built_in_crowd(20, seed=1)
    assert built_in_crowd(20, seed=1) != built_in_crowd(20, seed=2)


@given(n=st.integers(0, 200), share=st.floats(0, 1), seed=st.integers())
def test_the_crowd_has_the_fevers_that_were_asked_for(n: int, share: float, seed: int) -> None:
    crowd = built_in_crowd(n, seed, fever_share=share)
    fevers = [person for person in crowd if (person.oral_c or 0) >= 38.0]
    assert len(crowd) == n
    assert len(fevers) == round(n * share)
    assert all((person.oral_c or 0) < 37.51 for person in crowd if person not in fevers)


@pytest.mark.parametrize("site", SITES)
def test_the_crowd_has_the_published_statistics(site: str) -> None:
    published = SITE_STATISTICS[site]
    crowd = built_in_crowd(4000, seed=7, fever_share=0.0, site=site)
    skins = [statistics.fmean(person.rounds_c) for person in crowd]
    oral_minus_skin = [
        (person.oral_c or 0) - skin for person, skin in zip(crowd, skins, strict=True)
    ]
    assert statistics.fmean(skins) == pytest.approx(published.healthy_c, abs=0.1)
    assert statistics.fmean(oral_minus_skin) == pytest.approx(published.oral_minus_skin_c, abs=0.05)
    # The mean of four rounds has a part of the repeat's spread in it.
    expected_sd = (published.oral_minus_skin_sd_c**2 + published.repeat_sd_c**2 / 4) ** 0.5
    assert statistics.stdev(oral_minus_skin) == pytest.approx(expected_sd, rel=0.05)
    within = [statistics.variance(person.rounds_c) for person in crowd]
    assert statistics.fmean(within) ** 0.5 == pytest.approx(published.repeat_sd_c, rel=0.05)


def test_a_warm_room_warms_the_skin() -> None:
    cool = built_in_crowd(50, seed=3, ambient_c=18.0)
    warm = built_in_crowd(50, seed=3, ambient_c=28.0)
    for before, after in zip(cool, warm, strict=True):
        assert after.rounds_c[0] - before.rounds_c[0] == pytest.approx(1.0, abs=0.011)


def test_a_crowd_that_makes_no_sense_is_refused() -> None:
    for arguments in ({"n": -1}, {"n": 1, "fever_share": 1.5}, {"n": 1, "site": "nose"}):
        with pytest.raises(SimulatorError):
            built_in_crowd(**arguments)  # type: ignore[arg-type]
