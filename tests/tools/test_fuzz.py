"""Each message from the network is stored, rejected or turned away, and none ends the gateway."""

from measurement.fuzz import fuzz


def test_ten_thousand_hostile_messages_end_somewhere_each(tmp_path):
    result = fuzz(10_000, tmp_path, number=7)
    assert (result["messages"], result["not_acknowledged_once"]) == (10_000, 0)
    assert result["rejected"] > 1000 and result["stored"] > 10
