"""`tools/fuzz`: sends hostile messages to the gateway's ingest, with alarm and a real database.

Hypothesis makes the messages, from valid ones with one wrong field to pure noise. Each must be
stored, counted as rejected, or refused as part of a flood, and must be acknowledged exactly once.
Memory and quarantine must stay bounded, and the database sound.
"""

import argparse
import base64
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fevergate.gateway.ingest import DROPPED
from fevergate.protocol.messages import MAX_PAYLOAD, Health, Reading, Verdict
from fevergate.protocol.topics import Topic, acknowledge_topic
from fevergate.storage.connection import open_reader
from fevergate.storage.record_writer import MAX_REJECTED
from harness.errors import HarnessError
from harness.figures import show
from harness.worker import Worker
from measurement.fuzz_target import CAMPUS, DATABASE

ROUND = 20_000
END_S = 600
EACH = 100
"""Messages in one example of hypothesis; many, because making an example costs more than a
message."""


def _valid() -> list[tuple[str, dict[str, Any]]]:
    reading = Reading(
        kiosk="north-1",
        boot=1,
        seq=1,
        at=1_795_400_000.0,
        up_ms=1000,
        verdict=Verdict.FEVER,
        skin_c=36.5,
        body_c=38.2,
    )
    health = Health(kiosk="north-1", boot=1, at=1_795_400_000.0, up_ms=1, state="ok")
    applied = {"v": 1, "kiosk": "north-1", "version": 3, "error": ""}
    return [
        (str(Topic(CAMPUS, "north-1", "reading")), msgspec.to_builtins(reading)),
        (str(Topic(CAMPUS, "north-1", "health")), msgspec.to_builtins(health)),
        (str(Topic(CAMPUS, "north-1", "settings/applied")), applied),
        (acknowledge_topic(CAMPUS, "north"), {"v": 1, "by": "Li Wei"}),
    ]


_ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.text(max_size=80),
    st.sampled_from([[], {}, "", "\x00", "null", -1, 0, 1e308, 2**31, 2**53 + 1, "a" * 300]),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=8),
)
_TOPICS = st.one_of(
    st.sampled_from(
        [
            *(topic for topic, _ in _valid()),
            str(Topic(CAMPUS, "north-1", "status")),
            str(Topic(CAMPUS, "nobody", "reading")),
            str(Topic("west", "north-1", "reading")),
            str(Topic(CAMPUS, "alarm", "north")),
            acknowledge_topic(CAMPUS, "nowhere"),
            DROPPED,
            "fevergate/v2/east/north-1/reading",
            "/".join("a" * 200),
        ]
    ),
    st.text(max_size=60),
)


_RAW = [
    *(b"", b"{}", b"null", b"[" * 900, b'{"v":1' * 50, b"\xff\xfe"),
    *(b" " * MAX_PAYLOAD, b"x" * (MAX_PAYLOAD + 1), b"online", b"offline", b"NaN", b"9" * 30),
]


@st.composite
def _payloads(draw: st.DrawFn, base: dict[str, Any]) -> bytes:
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=200))
    if kind == 1:
        return draw(st.sampled_from(_RAW))
    values = dict(base)
    for _ in range(draw(st.integers(0, 2))):
        values[draw(st.sampled_from([*base, "extra"]))] = draw(_ANY)
    if "seq" in values and values["seq"] == base["seq"]:
        values["seq"] = draw(st.integers(1, 2**31 - 1))
    text = json.dumps(values, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if kind == 2:
        return text[: draw(st.integers(0, len(text)))]
    if kind == 3:
        at = draw(st.integers(0, len(text) - 1))
        return text[:at] + draw(st.binary(min_size=1, max_size=3)) + text[at + 1 :]
    return text


@st.composite
def _messages(draw: st.DrawFn) -> tuple[str, bytes]:
    topic, base = draw(st.sampled_from(_valid()))
    if draw(st.integers(0, 4)) == 0:
        topic = draw(_TOPICS)
    return topic, draw(_payloads(base))


def fuzz(messages: int, folder: Path, number: int = 1) -> dict[str, Any]:
    """Send `messages` messages made with hypothesis's seed `number`; returns their outcomes.

    The gateway's intake runs in a process of its own, so that its memory can be measured.
    Raises `HarnessError` if a message was lost or the database is damaged.
    """
    began = time.monotonic()
    count = 0
    with Worker("measurement.fuzz_target", str(folder)) as victim:
        try:
            while count < messages:
                count += _throw(min(ROUND, messages - count), number, victim)
                number += 1
            victim.tell("")
            figures = json.loads(victim.line(END_S))
        except (BrokenPipeError, HarnessError) as error:
            raise HarnessError(
                f"the gateway's way in ended after at most {count} messages"
            ) from error
    if figures["messages"] != count or figures["not_acknowledged_once"]:
        raise HarnessError(f"{count} were sent: {figures}")
    took_s = time.monotonic() - began
    return figures | {"per_s": round(count / took_s)} | _kept(folder / DATABASE)


def _throw(count: int, number: int, victim: Worker) -> int:
    """Send one round of messages; after each round the memory that hypothesis uses is freed."""
    published = 0

    @seed(number)
    @settings(
        max_examples=-(-count // EACH),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(st.lists(_messages(), min_size=EACH, max_size=EACH))
    def throw(batch: list[tuple[str, bytes]]) -> None:
        nonlocal published
        for topic, payload in batch:
            victim.tell(json.dumps([topic, base64.b64encode(payload).decode()]))
            published += 1

    throw()
    return published


def _kept(path: Path) -> dict[str, Any]:
    with open_reader(path) as database:
        (check,) = database.execute("pragma integrity_check").fetchone()
        (readings,) = database.execute("select count(*) from readings").fetchone()
        (counted,) = database.execute("select sum(normal + fever + retry) from hours").fetchone()
        (rejected,) = database.execute("select count(*) from rejected").fetchone()
    if check != "ok" or counted != readings or rejected > MAX_REJECTED:
        raise HarnessError(
            f"{check}; {readings} readings, {counted} counted, {rejected} quarantined"
        )
    return {"stored": readings, "quarantined": rejected}


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="number of messages (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the messages (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    given_ = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fevergate-fuzz-") as folder:
        try:
            figures = fuzz(given_.messages, Path(folder), given_.seed)
        except HarnessError as error:
            print(f"tools/fuzz: {error}", file=sys.stderr)
            return 1
    show(figures, given_.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
