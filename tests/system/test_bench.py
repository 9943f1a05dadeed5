"""The benchmark measures what it says, on the running system; no figure is judged here."""

from demonstration.bench import measure


def test_every_figure_has_its_limit_beside_it():
    figures = measure(count=20, every_s=0.005)
    assert figures["fevers"] == 20
    for key in ("hop", "lamp", "fsync", "stored"):
        assert 0 < figures[f"{key}_ms_p50"] <= figures[f"{key}_ms_p99"]
    assert figures["lamp_to_hop"] > 0 and figures["stored_to_two_hops_and_fsync"] > 0
