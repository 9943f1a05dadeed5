"""What a temperature means."""

from kiosk import screening
from kiosk.mlx90614 import through_emissivity


def verdict_of(skin_c, ambient_c=22.0, site="canthus", quality="", threshold_c=37.3):
    estimate_c = screening.body_c(skin_c, ambient_c, screening.SITES[site])
    return screening.decide(skin_c, estimate_c, quality, threshold_c)


def test_a_healthy_face_is_normal():
    assert verdict_of(35.57) == ("normal", "")
    assert verdict_of(35.90, site="face_max") == ("normal", "")
    assert verdict_of(34.32, site="forehead") == ("normal", "")


def test_a_fever_of_38_in_the_mouth_is_seen_although_the_skin_reads_below_37_3():
    skin_c = 38.0 - 1.30
    assert skin_c < 37.3
    assert verdict_of(skin_c) == ("fever", "")


def test_a_warm_hall_does_not_make_healthy_people_feverish():
    for ambient_c in (16.0, 22.0, 28.0, 35.0):
        skin_c = 35.57 + 0.10 * (ambient_c - 22.0)
        assert verdict_of(skin_c, ambient_c) == ("normal", "")


def test_a_hotter_face_never_reads_cooler_and_is_not_pulled_towards_normal():
    for site in screening.SITES.values():
        last = None
        for tenth in range(280, 421):
            estimate_c = screening.body_c(tenth / 10, 24.0, site)
            if last is not None:
                assert estimate_c - last >= 0.0999
            last = estimate_c


def test_cold_skin_is_never_a_pass():
    assert verdict_of(33.0) == ("retry", "cold")
    assert verdict_of(28.0) == ("retry", "cold")


def test_a_hot_cup_is_no_person():
    assert verdict_of(55.0) == ("retry", "hot")


def test_a_poor_scan_asks_again():
    for quality in ("short", "moving", "sensor"):
        assert verdict_of(35.57, quality=quality) == ("retry", quality)


def test_a_poor_scan_does_not_excuse_heat():
    assert verdict_of(37.5, quality="short") == ("fever", "")


def test_the_threshold_is_a_setting():
    assert verdict_of(36.2, threshold_c=37.3)[0] == "normal"
    assert verdict_of(36.2, threshold_c=37.0)[0] == "fever"


def test_skin_reads_warmer_than_its_radiation_in_a_cool_room():
    read_c = 33.8
    assert 0.15 < through_emissivity(read_c, 22.0) - read_c < 0.3
    assert abs(through_emissivity(22.0, 22.0) - 22.0) < 1e-6
