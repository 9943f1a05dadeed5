"""Whatever comes from the network: stored, rejected or turned away, and never the end."""

import logging

from measurement.fuzz import fuzz


def test_ten_thousand_hostile_messages_end_somewhere_each(tmp_path):
    logging.disable()
    try:
        found = fuzz(10_000, tmp_path, number=7)
    finally:
        logging.disable(logging.NOTSET)
    assert found["messages"] == 10_000
    assert found["rejected"] > 1000 and found["stored"] > 10
