"""How well the shipped decision does on people, and what `evaluate` says of it."""

import json
import sys
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from simulator_helpers import PEOPLE_FILE

from fevergate.cli import cli
from fevergate.evaluation.people_file import Person, load_people
from fevergate.evaluation.replay import evaluate, replay
from kiosk.estimate import SITES
from measurement import constants
from simulator import built_in_crowd

HEADER = "subject,camera,ambient_c,oral_c,canthus_1,canthus_2,canthus_3,canthus_4\n"
ROWS = HEADER + "".join(
    f"{name},FLIR,23.2,{oral},{skin},{skin},{skin},{skin}\n"
    for name, oral, skin in (
        ("well", 36.9, 35.6),
        ("ill", 38.6, 37.3),
        ("hidden", 38.2, 35.5),
        ("flushed", 37.0, 36.9),
        ("cold", 36.8, 33.0),
        ("unknown", "", 35.6),
    )
)

needs_people = pytest.mark.skipif(
    not PEOPLE_FILE.exists(), reason="the measured people are not beside this repository"
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(ROWS)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


def test_every_person_is_counted_where_they_belong(file):
    report = json.loads(run(file, "--json").output)
    assert (report["n"], report["fevers"], report["skipped"]) == (5, 2, 1)
    assert (report["true_positive"], report["false_negative"]) == (1, 1)
    assert (report["false_positive"], report["true_negative"]) == (1, 2)
    assert report["sensitivity"] == 0.5 and report["specificity"] == round(2 / 3, 4)
    assert report["retries"] == 1 and report["retry_reasons"] == {"cold": 1}
    assert report["raw_rule"]["sensitivity"] == 0.5 and report["raw_rule"]["specificity"] == 1.0
    assert report["fixed_rule"]["specificity"] == round(2 / 3, 4)


def test_the_keys_that_programs_rely_on(file):
    report = json.loads(run(file, "--json", "--fever", "37.5", "--camera", "FLIR").output)
    keys = "site camera fever_c n fevers auc sensitivity specificity retries raw_rule"
    assert set(keys.split()) <= set(report)
    assert (report["site"], report["camera"], report["fever_c"]) == ("canthus", "FLIR", 37.5)


def test_a_table_for_people_in_both_languages(file):
    for language, word in (("zh", "灵敏度"), ("en", "Sensitivity")):
        result = run(file, "--language", language)
        assert result.exit_code == 0 and word in result.output and "37.3" in result.output


def test_the_threshold_is_the_callers(file):
    report = json.loads(run(file, "--json", "--threshold", "39").output)
    assert report["true_positive"] == 0 and report["false_positive"] == 0


def test_a_malformed_file_gives_line_and_column(file):
    file.write_text(ROWS.replace("38.6", "38,6"))
    result = run(file)
    assert isinstance(result.exception, ValueError)
    assert "line 3, column 9" in str(result.exception)
    file.write_text(ROWS.replace("38.6", "warm"))
    assert "line 3, column oral_c" in str(run(file).exception)


def test_a_camera_without_people_is_an_error(file):
    assert "camera ICI" in str(run(file, "--camera", "ICI").exception)


def test_a_picture_with_text_that_can_be_read(file, tmp_path):
    for language, word in (("zh", "灵敏度"), ("en", "sensitivity")):
        picture = tmp_path / f"{language}.svg"
        assert run(file, "--plot", picture, "--language", language).exit_code == 0
        text = " ".join(ElementTree.parse(picture).getroot().itertext())  # noqa: S314 - our own
        assert word in text and "AUC" in text


def test_a_picture_that_cannot_be_drawn_is_said(file, tmp_path, monkeypatch):
    result = run(file, "--plot", tmp_path / "nowhere" / "x.svg")
    assert "No such file" in str(result.exception)
    assert "with and without" in str(run(file, "--fever", "41", "--plot", tmp_path / "x").exception)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "fevergate[plot]" in str(run(file, "--plot", tmp_path / "x.svg").exception)


def test_nothing_is_learnt_from_people_who_are_still_to_come():
    people = built_in_crowd(200, 3, fever_share=0.1)
    results, _ = replay(people, SITES["canthus"], 38.0)
    half_results, _ = replay(people[:100], SITES["canthus"], 38.0)
    assert [result.verdict for result in half_results] == [
        result.verdict for result in results[:100]
    ]
    assert [result.score_c for result in half_results] == [
        result.score_c for result in results[:100]
    ]


def test_people_of_a_dated_file_are_judged_in_the_order_of_time(tmp_path):
    path = tmp_path / "people.csv"
    lines = ROWS.splitlines()
    dated = [lines[0] + ",time"] + [
        f"{line},2026-03-{20 - number:02d}T08:00:00" for number, line in enumerate(lines[1:])
    ]
    path.write_text("\n".join(dated))
    results, _ = replay(load_people(path)[:5], SITES["canthus"], 38.0)
    assert [row.person.subject for row in results] == ["cold", "flushed", "hidden", "ill", "well"]


@pytest.mark.parametrize("site", list(SITES))
def test_the_room_decides_nothing(site):
    shares = []
    for ambient_c in (18.0, 24.0, 29.0):
        people = built_in_crowd(1500, 2, fever_share=0.05, ambient_c=ambient_c, site=site)
        result, _ = evaluate(people, site, "none", 38.0)
        assert result.sensitivity and result.specificity
        shares.append((result.sensitivity, result.specificity))
    assert max(share for share, _ in shares) - min(share for share, _ in shares) < 0.03
    assert max(share for _, share in shares) - min(share for _, share in shares) < 0.03
    assert min(shares) > ((0.8, 0.8) if site == "forehead" else (0.9, 0.93))


@needs_people
@pytest.mark.parametrize("camera", ["FLIR", "ICI"])
@pytest.mark.parametrize(
    ("site", "sensitivity", "specificity"),
    [("canthus", 0.95, 0.92), ("face_max", 0.95, 0.92), ("forehead", 0.85, 0.90)],
)
def test_measured_people(site, camera, sensitivity, specificity):
    result, _ = evaluate(load_people(PEOPLE_FILE, site, camera), site, camera, 38.0)
    assert result.n > 530 and result.fevers == 19
    assert result.sensitivity and result.sensitivity >= sensitivity
    assert result.specificity and result.specificity >= specificity
    assert result.raw_rule.sensitivity is not None
    assert result.raw_rule.sensitivity <= result.sensitivity


@needs_people
def test_no_constant_carries_the_result_by_itself():
    rows = {row["case"]: row for row in constants.table(PEOPLE_FILE, 38.0)}
    assert len(rows) == len(constants.CASES)
    for name, row in rows.items():
        if "threshold" in name or "0.20/°C" in name:
            continue
        for camera in constants.CAMERAS:
            result = row[f"canthus {camera}"]
            assert result["sensitivity"] == 1.0, name
            assert result["specificity"] > 0.90, name
    site = SITES["canthus"]
    assert site.per_room_c == pytest.approx(0.095, abs=0.001)  # every constant was put back


def test_one_person_alone_is_an_evaluation_without_an_area():
    result, _ = evaluate([Person("a", (35.6,) * 4, 23.0, 36.9)], "canthus", "FLIR", 38.0)
    assert result.auc is None and result.sensitivity is None and result.specificity == 1.0
