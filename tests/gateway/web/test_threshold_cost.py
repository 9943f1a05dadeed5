"""The kiosk's page says how many alarms a day another threshold would cost, beside the share of
fevers that it would find."""

import pytest
from pages_site import Site
from samples import AT, arrived, health

from fevergate.storage.records import HealthArrived
from fevergate.texts.translations import translator
from fevergate.web.threshold_cost import MIN_PEOPLE, chart, read_costs

DAY_S = 86400


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()


def people(site, per_tenth, days=2):
    """Store the given number of people a day at each temperature (°C)."""
    seq = 100
    for day in range(days):
        for body_c, count in per_tenth.items():
            for _ in range(count):
                seq += 1
                at = AT + day * DAY_S + seq
                site.gateway.commit([arrived(seq, at=at, body_c=body_c, threshold_c=37.3)])


def costs_of(site, place="canthus"):
    with site.pages.reader() as reader:
        return read_costs(reader, "north-1", place, AT + 3 * DAY_S)


def test_alarms_a_day_are_the_people_who_read_that_high(site):
    people(site, {36.5: 80, 37.0: 10, 37.2: 4, 37.4: 2})
    by_threshold = {cost.threshold_c: cost for cost in costs_of(site)}
    assert by_threshold[36.9].alarms == pytest.approx(16 + 0.5, abs=0.6)
    assert by_threshold[37.1].alarms == pytest.approx(6 + 0.5, abs=0.6)
    assert by_threshold[37.3].alarms == pytest.approx(2 + 0.5, abs=0.6)
    assert [cost.threshold_c for cost in costs_of(site) if cost.now] == [37.3]
    alarms = [cost.alarms for cost in costs_of(site)]
    assert alarms == sorted(alarms, reverse=True)


def test_a_lower_threshold_never_finds_less():
    from fevergate.evaluation.detection_shares import DETECTION_SHARES, THRESHOLDS_C

    for by_oral in DETECTION_SHARES.values():
        for shares in by_oral.values():
            assert len(shares) == len(THRESHOLDS_C)
            assert list(shares) == sorted(shares, reverse=True)


def test_too_few_people_or_an_unknown_site_show_nothing(site):
    people(site, {36.5: MIN_PEOPLE // 3}, days=1)
    assert costs_of(site) == [] == costs_of(site, "forehead_max")


def test_the_picture_says_its_figures_in_both_languages(site):
    people(site, {36.5: 80, 37.2: 6})
    for language, words in (("en", "alarms a day"), ("zh", "报警")):
        picture = chart(costs_of(site), translator(language))
        bar = next(bar for bar in picture.bars if bar.title.startswith("37.1"))
        assert bar.mark == "88" and words in bar.title
        assert sum("●" in bar.mark for bar in picture.bars) == 1


def test_the_costs_are_shown_on_the_kiosks_page(site):
    people(site, {36.5: 80, 37.2: 6})
    site.gateway.commit(
        [HealthArrived(health(at=AT, site="canthus", drift=True, drift_c=-0.62), AT, "north")]
    )
    (site.settings.folder / "admin.password").write_text("x")
    site.pages.clock.now = lambda: AT + 3 * DAY_S
    page = site.client("李伟").get("/admin/kiosks/north-1").text
    assert "What another threshold would cost" in page and "●73" in page and "88 %" in page
    assert "! -0.62 °C" in page
