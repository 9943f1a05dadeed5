"""The load benchmarks at a small size: each reading is stored once and each fever lights red."""

from bench_suite.alarm import measure
from bench_suite.crash import measure as crash
from bench_suite.ingest import measure as measure_ingest
from bench_suite.log import measure as measure_log
from bench_suite.people import measure as measure_people
from bench_suite.permit import measure as measure_permit
from harness.site import LoadSite


def test_nothing_is_lost_doubled_or_dark_when_gateway_and_broker_are_killed():
    with LoadSite(10) as site:
        result = crash(site, kills=12, seed=5)
    assert result["complete"] and result["fevers"] > 10
    assert (result["lost"], result["invented"], result["doubled"], result["dark"]) == (0, 0, 0, 0)


def test_a_backlog_is_taken_in_without_a_broken_line():
    with LoadSite(8, queued=4000) as site:
        result = measure_ingest(site, 4000, 1, 0.0)
        log = site.broker.log.read_text()
    assert result["durable_per_s"] > 0 and result["bare_per_s"] > 0 and result["rss_mb"] > 0
    assert "rotocol error" not in log


def test_the_alarm_is_measured_beside_a_bare_subscriber_under_load():
    with LoadSite(10) as site:
        result = measure(site, 20, 1, 200, 0.0)
    assert 0 < result["bare_p50_ms"] <= result["bare_p99_ms"]
    assert 0 < result["alarm_p50_ms"] <= result["alarm_p99_ms"]
    assert 0 < result["beside_p50_ms"] <= result["beside_p99_ms"]
    assert result["load_per_s"] == 200


def test_a_list_is_imported_marked_and_its_pages_are_fetched():
    with LoadSite(1) as site:
        result = measure_people(site, 300, 1)
    for key in ("import_xlsx_s", "again_gb18030_s", "unmeasured_ms", "by_unit_ms"):
        assert result[key] >= 0
    assert len(result["pages"]) == 6 and result["worst_page_p95_ms"] > 0


def test_every_tap_is_answered_as_the_list_says_while_the_list_changes():
    with LoadSite(3) as site:
        result = measure_permit(site, 60, 5, 2, 1)
    assert (result["taps"], result["unanswered"], result["wrong"]) == (10, 0, 0)
    assert 0 < result["permit_p50_ms"] <= result["permit_p99_ms"] <= result["permit_worst_ms"]
    assert 0 < result["hop_p50_ms"] <= result["hop_p99_ms"]


def test_the_log_is_measured_after_few_and_after_many_readings(tmp_path):
    result = measure_log(tmp_path, 120_000, 1)
    assert (result["rows"], result["small_rows"]) == (120_000, 100_000)
    for key in ("log_ms", "summary_ms", "small_log_ms", "small_summary_ms"):
        assert result[key] > 0
    assert list(tmp_path.iterdir()) == []
