"""The judge of `tools/chaos`: each thing that can go wrong shows in its own figure."""

import json
import subprocess
from pathlib import Path

import pytest
from played_calendar import World

from faults import sd_card
from faults.arguments import KINDS, parse
from faults.judge import WRONG, DayReported, Facts, Published, figures, wrong_days
from faults.kinds import Kinds
from faults.witness import AMBER, RED, Witness
from fevergate.protocol.messages import Identity, Verdict
from harness.store_contents import StoreContents

NORMAL, FEVER, LATER = (Identity("kiosk-1", 1, seq) for seq in (1, 2, 3))


def facts():
    """Three readings on two days, one of them a fever; the card was replaced between them."""
    return Facts(
        published={
            NORMAL: Published(Verdict.NORMAL, "2026-09-01", 10.0),
            FEVER: Published(Verdict.FEVER, "2026-09-01", 11.0),
            LATER: Published(Verdict.NORMAL, "2026-09-02", 12.0),
        },
        cards=[
            StoreContents({NORMAL, FEVER}, {FEVER: ("north", 11.0)}, 2, 2),
            StoreContents({LATER}, {}, 1, 1),
        ],
        red_at={FEVER: 11.25},
        reported={
            "2026-09-01": DayReported("reported", 2, 1),
            "2026-09-02": DayReported("reported", 1, 0),
            "2026-09-03": DayReported("uncovered", 0, 0),
        },
    )


def test_a_run_in_which_nothing_is_wrong():
    assert figures(facts()) == {
        "published": 3,
        "stored": 3,
        "lost": 0,
        "doubled": 0,
        "fevers": 1,
        "dark": 0,
        "light_ms_p99": 250.0,
        "days": 2,
        "days_wrong": 0,
        "silent": 0,
    }


def never_stored(facts):
    facts.cards[1] = StoreContents(set(), {}, 0, 0)


def never_said_to_be_stored(facts):
    facts.pending = 1


def counted_twice(facts):
    facts.cards[1].hours += 1


def counted_twice_in_its_day(facts):
    facts.cards[1].days += 1


def invented(facts):
    facts.cards[1] = StoreContents({LATER, Identity("kiosk-2", 1, 1)}, {}, 2, 2)


def never_lit(facts):
    del facts.red_at[FEVER]


def stored_without_a_light(facts):
    facts.cards[0].fevers.clear()


def never_reported(facts):
    del facts.reported["2026-09-01"]


def not_stated(facts):
    facts.reported["2026-09-01"] = DayReported("partial", 2, 1)


def too_few_people(facts):
    facts.reported["2026-09-01"] = DayReported("reported", 1, 1)


def a_false_zero(facts):
    facts.reported["2026-09-01"] = DayReported("reported", 2, 0)


def people_on_a_holiday(facts):
    facts.reported["2026-09-03"] = DayReported("reported", 1, 0)


def nobody_told_of_the_card(facts):
    facts.silent = 1


def lit_only_once_the_card_was_well(facts):
    facts.unlit = 1


@pytest.mark.parametrize(
    ("fault", "figure"),
    [
        (never_stored, "lost"),
        (never_said_to_be_stored, "lost"),
        (counted_twice, "doubled"),
        (counted_twice_in_its_day, "doubled"),
        (invented, "doubled"),
        (never_lit, "dark"),
        (stored_without_a_light, "dark"),
        (lit_only_once_the_card_was_well, "dark"),
        (never_reported, "days_wrong"),
        (not_stated, "days_wrong"),
        (too_few_people, "days_wrong"),
        (a_false_zero, "days_wrong"),
        (people_on_a_holiday, "days_wrong"),
        (nobody_told_of_the_card, "silent"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_whatever_goes_wrong_shows_in_its_figure(fault, figure):
    changed_facts = facts()
    fault(changed_facts)
    result = figures(changed_facts)
    assert {name: result[name] for name in WRONG if result[name]} == {figure: 1}
    assert len(wrong_days(changed_facts)) == result["days_wrong"]


def told(witness, at, fever, *amber):
    witness.heard(f"{at} told {json.dumps([fever, amber])}")


def test_a_fever_counts_as_lit_if_the_lamp_is_high_and_the_fever_is_reported():
    witness = Witness()
    told(witness, 1.0, FEVER)
    assert not witness.red_at  # the gateway reports the fever, but the lamp is not lit
    witness.heard(f"2.0 pin {RED} 1")
    assert not witness.red_at  # the lamp is lit, but not yet reported for this fever
    told(witness, 3.0, FEVER)
    told(witness, 4.0, FEVER)
    assert witness.red_at == {FEVER: 3.0} and witness.life_red_at == 3.0
    witness.dies()
    told(witness, 5.0, LATER)
    assert LATER not in witness.red_at and witness.life_red_at is None


def test_a_disk_fault_counts_as_shown_if_amber_is_lit_and_the_fault_is_reported():
    witness = Witness()
    witness.heard(f"1.0 pin {AMBER} 1")
    told(witness, 2.0, None, "kiosk-1: silent")
    assert witness.life_disk_at is None
    told(witness, 3.0, None, "disk: read-only")
    assert witness.life_disk_at == 3.0


def test_every_kind_is_played_and_explained():
    assert all(hasattr(Kinds, f"_{kind}") for kind in KINDS)
    script = Path(__file__).parents[2] / "tools/chaos"
    result = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60)
    assert all(f"  {kind:10} {text}" in result.stdout for kind, text in KINDS.items())
    assert parse(["--only", "card", "--only", "card", "--minutes", "2"]).only == ("card",)


@pytest.mark.parametrize("option", ["--minutes=nan", "--minutes=-1", "--seed=x", "--only=storm"])
def test_a_wrong_option_is_refused_with_a_clear_line(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse([option])
    assert option.split("=")[0] in capsys.readouterr().err


def test_a_card_is_not_taken_out_before_the_days_that_are_over_are_stated(tmp_path):
    world = World(tmp_path, "2026-09-01 06:00")
    assert not sd_card.begun(world.path)
    world.start()
    assert sd_card.begun(world.path)
    world.day()
    world.reachable = False
    world.skip("2026-09-02 01:00")
    assert (sd_card.unstated(world.path, "2026-09-01"), sd_card.unsent(world.path) > 0) == (0, True)
    assert sd_card.unstated(world.path, "2026-09-02") == 1
    world.reachable = True
    world.forward()
    assert (sd_card.unstated(world.path, "2026-09-02"), sd_card.unsent(world.path)) == (0, 0)
    world.close()
