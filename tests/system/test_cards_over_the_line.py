"""A card and a visitor's pass at a kiosk, with the real gateway and broker.

Taps are answered, a reader's number format is learnt, and no name or card number is stored
unencrypted.
"""

import json
import threading
import time
from contextlib import closing, contextmanager
from itertools import cycle

import pytest
from broker_client import BASE, Client
from click.testing import CliRunner
from kiosk_helpers import until
from people_helpers import entry, gateway_people
from samples import reading

from fevergate.cli import cli
from fevergate.gateway.cards import READING, TAP, unsealed
from fevergate.kiosks.remote_settings import current
from fevergate.people.changes import PeopleChanges
from fevergate.people.passes import Passes
from fevergate.people.policy import Policies
from fevergate.protocol.messages import CardPermit, CardTapped, decode, encode
from fevergate.provision import kiosks
from fevergate.provision.files import Provisioned
from fevergate.settings.gateway import load_gateway
from fevergate.storage.connection import read_rows
from fevergate.storage.store import Store
from harness.site import Site

CARD, NAME, VISITOR = 305_419_896, "王小明", 4711
SECRETS = (NAME.encode(), str(CARD).encode(), CARD.to_bytes(8, "big"), f"{CARD:016x}".encode())


class Kiosk:
    """A client that taps a card, or holds up a pass, as kiosk north-1."""

    def __init__(self, site, client):
        board = json.loads((site.folder / "kiosks/north-1/settings.json").read_text())
        self.key = bytes.fromhex(board["card_key"])
        self.client = client
        self.taps = 0
        self.number = CARD
        client.hear(f"{BASE}/north-1/permit")

    def seal(self, label, count):
        return f"{unsealed(self.key, label, 7, count, f'{self.number:016x}'):016x}"

    def tap(self):
        self.taps += 1
        tap = CardTapped(boot=7, tap=self.taps, who=self.seal(TAP, self.taps))
        self.client.say(f"{BASE}/north-1/card", encode(tap))

    def tap_until_told(self, permit, after=0):
        """Tap again and again, no faster than taps are answered; answers to the taps up to `after`
        do not count."""

        def told():
            self.tap()
            time.sleep(0.5)
            return permit in [word for tap, word in self.answers().items() if tap > after]

        until(told)

    def answers(self):
        permits = [decode(payload, CardPermit) for payload in self.client.payloads()]
        return {permit.tap: permit.permit for permit in permits if permit.boot == 7}


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path / "site", {"north": ["north-1"]}) as site:
        yield site


def test_a_card_and_a_pass_are_answered_and_their_readings_become_presences(site):
    with gateway_people(site.folder, time.time) as people:
        PeopleChanges(people).replace([entry(name=NAME, card=str(CARD), permit="stop")])
        (person,) = (row.person for row in people.find("2023001", 2))
        site.start_gateway()
        with Client(site, "north-1") as client:
            kiosk = Kiosk(site, client)
            kiosk.tap_until_told("stop")
            assert "enter" not in kiosk.answers().values()
            Policies(people).override(person, "enter", time.time() + 3600, "Li")
            kiosk.tap_until_told("enter")
            now = float(int(time.time()))
            message = reading(3, boot=7, at=now, who=kiosk.seal(READING, 3), permit="enter")
            client.say(f"{BASE}/north-1/reading", encode(message))
            until(lambda: read_rows(site.database, "select 1 from presences"))

            passes = Passes(people.statements, people.vault)
            code = passes.issue(VISITOR, time.time() + 3600).code
            kiosk.number = int(code[1:], 16)
            kiosk.tap_until_told("enter", kiosk.taps)
            message = reading(4, boot=7, at=now + 1, who=kiosk.seal(READING, 4), permit="enter")
            client.say(f"{BASE}/north-1/reading", encode(message))
            until(lambda: len(read_rows(site.database, "select 1 from presences")) == 2)
            passes.end(VISITOR)
            kiosk.tap_until_told("ask", kiosk.taps)
    rows = read_rows(site.database, "select seq, at, gate, person, verdict from presences")
    assert [list(row.values()) for row in rows] == [
        [3, now, "north", person, "normal"],
        [4, now + 1, "north", -VISITOR, "normal"],
    ]
    secrets = (*SECRETS, code.encode(), code[1:].lower().encode(), bytes.fromhex(code[1:]))
    stores = [*site.folder.glob("fevergate.db*"), *site.folder.glob("people.db*")]
    stores += [path for path in (site.folder / "broker").rglob("*") if path.is_file()]
    for path in stores:
        data = path.read_bytes()
        assert not [secret for secret in secrets if secret in data], path


@contextmanager
def tapping(kiosk, *cards):
    """Tap the cards in turn, again and again, until the block ends."""
    over = threading.Event()

    def tap():
        for card in cycle(cards):
            if over.wait(0.2):
                return
            kiosk.number = card
            kiosk.tap()

    thread = threading.Thread(target=tap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def set_card(site, card):
    values = kiosks.values_for(site.folder, "north-1", "north", {}, {"card": card})
    kiosks.write_kiosk(Provisioned(site.folder), "north-1", values)


def test_a_readers_byte_order_and_base_are_learnt_from_one_known_card(site):
    with gateway_people(site.folder, time.time) as people:
        listed = [entry(name=NAME, card=f"{CARD:X}"), entry("2", card="00AB34CD")]
        PeopleChanges(people).replace([*listed, entry("3", card="")])
    set_card(site, "permit")
    with closing(Store(site.database)):
        pass  # the store exists, as after a gateway's first run

    def learn(*arguments):
        command = ["people", "learn", *arguments, "--settings", str(site.settings_path)]
        return CliRunner().invoke(cli, command)

    turned = int.from_bytes(CARD.to_bytes(4, "little"), "big")
    with Client(site, "north-1") as client, tapping(Kiosk(site, client), 4711, turned):
        result = learn("north-1", "2023001")
    assert result.exit_code == 0, result.output
    assert "最低字节" in result.output and "十六进制" in result.output
    assert not [secret for secret in ("12345678", str(CARD), NAME) if secret in result.output]
    assert load_gateway(site.settings_path).people.card_base == 16
    values = current(site.settings.as_user("admin"), "north-1").values
    assert values and (values.card_order, values.card_base, values.card) == ("little", None, None)
    assert "nobody" in str(learn("north-1", "3").exception)
    assert "expected one of" in str(learn("south-9", "2023001").exception)
    set_card(site, "off")
    assert "--card record" in str(learn("north-1", "2023001").exception)
