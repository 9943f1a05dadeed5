"""The temperature of the body is estimated from the skin's."""

from kiosk.estimate import REFERENCE_ROOM_C, SITES, body_c, through_emissivity


def test_healthy_skin_of_every_site_is_a_healthy_body():
    for site in SITES.values():
        assert abs(body_c(site.skin_c, REFERENCE_ROOM_C, site) - 36.57) < 0.05


def test_a_hotter_face_never_reads_cooler_and_nothing_is_pulled_towards_normal():
    for site in SITES.values():
        for air_c in (10.0, 24.0, 35.0):
            last = None
            for tenth in range(280, 421):
                estimate_c = body_c(tenth / 10, air_c, site)
                if last is not None:
                    assert estimate_c - last >= 0.0999
                last = estimate_c


def test_a_warmer_room_lowers_the_estimate_by_what_it_warms_skin():
    # The published F of foreheads is 0.20 to 0.21 (see `kiosk.estimate`), so a room that is 1 °C
    # warmer warms the forehead by F / (1 + F) = 0.17 °C.
    for name, low, high in (
        ("canthus", 0.08, 0.14),
        ("face_max", 0.05, 0.12),
        ("forehead", 0.16, 0.22),
    ):
        site = SITES[name]
        moved_c = body_c(35.0, 22.0, site) - body_c(35.0, 27.0, site)
        assert low < moved_c / 5 < high


def test_skin_reads_warmer_than_its_radiation_in_a_cool_room():
    read_c = 33.8
    assert 0.15 < through_emissivity(read_c, 22.0) - read_c < 0.3
    assert abs(through_emissivity(22.0, 22.0) - 22.0) < 1e-6
