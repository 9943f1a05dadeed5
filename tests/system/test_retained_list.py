"""A list of retained messages is read completely, however slow the broker is."""

import os
import signal
import threading
from contextlib import contextmanager

from broker_client import BASE, Client

from fevergate.mqtt.one_shot import read_all_retained
from harness.site import Site

TOPICS = [f"{BASE}/alarm/gate-{number}" for number in range(8)]


@contextmanager
def stuttering(pid):
    """Stop the process again and again inside the block, so that it runs only for moments."""
    ending = threading.Event()

    def stutter():
        while not ending.wait(0.005):
            os.kill(pid, signal.SIGSTOP)
            ending.wait(0.1)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_a_broker_that_stutters_and_sends_one_message_at_a_time_is_read_to_the_end(tmp_path):
    site = Site(tmp_path / "fevergate", {"north": ["north-1"]})
    path = site.folder / "mosquitto.conf"
    text = path.read_text()
    assert "max_inflight_messages 0" in text
    path.write_text(text.replace("max_inflight_messages 0", "max_inflight_messages 1"))
    with site:
        with Client(site, "gateway") as gateway:
            for topic in TOPICS:
                assert not gateway.say(topic, topic.encode(), retain=True)
        with stuttering(site.broker.pid):
            messages = read_all_retained(site.settings.as_user("admin"), f"{BASE}/alarm/+")
    assert messages == {topic: topic.encode() for topic in TOPICS}
