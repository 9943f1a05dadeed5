"""Writes collect.toml, the settings of the collectors of raw readings."""

from __future__ import annotations

from fevergate.crypto import pki
from fevergate.provision.files import BROKER_NAME, Provisioned
from fevergate.settings.collector import load_collect


def collect_toml(done: Provisioned, broker_host: str, broker_port: int, timezone: str) -> None:
    """Write collect.toml unless it exists; the administrator enters the database's URL."""
    path = done.folder / "collect.toml"
    made = not path.exists()
    if made:
        pki.write_private(
            path,
            f"""\
# The collectors' settings: fevergate collect --settings collect.toml --name 1
timezone = "{timezone}"  # where a day, and so a partition, begins

[broker]
host = "{broker_host}"
port = {broker_port}
name = "{BROKER_NAME}"  # in its certificate
username = "collect-{{name}}"  # names are 1 to 8: each collector is a user of its own
group = "raw"            # collectors of one group share the readings
session_days = 14        # what an absent collector's share waits at the broker; then it is lost

[database]               # a password goes into a file beside: password_file = "database.password"
url = "postgresql://fevergate@127.0.0.1/fevergate"

[partitions]
ahead_days = 3
# keep_days = 400        # older days are dropped; without it nothing is

# [metrics]              # for Prometheus; a collector named 2 listens two ports higher
# port = 9470
""".encode(),
        )
    load_collect(path)
    done.note("collect.toml", made)
