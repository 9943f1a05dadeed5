"""Each message from the network is stored, rejected or turned away, and none ends the gateway."""

from measurement.fuzz import fuzz


def test_ten_thousand_hostile_messages_end_somewhere_each(tmp_path):
    found = fuzz(10_000, tmp_path, number=7)
    assert (found["messages"], found["not_acknowledged_once"]) == (10_000, 0)
    assert found["rejected"] > 1000 and found["stored"] > 10
