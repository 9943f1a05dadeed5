"""People are read from files, of which each field is checked."""

import csv
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import PEOPLE_FILE

from fevergate.errors import PeopleFileError
from fevergate.evaluation.people_file import SITES, Person, load_people

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
        ("a,FLIR,22,36.9", "line 3, column canthus_1: missing, expected 8 fields"),
        ("a,FLIR,22,36.9,35,35,35,35,35", "line 3, column 9: expected 8 fields"),
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


def test_the_time_is_taken_where_there_is_one(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",time\n")
    row = "a,FLIR,22,36.9,35,35,35,35,"
    path = people_file(tmp_path, row + "2017-02-07T09:30:00", row, header=header)
    assert [person.at for person in load_people(path)] == [datetime(2017, 2, 7, 9, 30), None]
    path = people_file(tmp_path, row + "yesterday", header=header)
    with pytest.raises(PeopleFileError, match="line 2, column time: expected ISO 8601"):
        load_people(path)
