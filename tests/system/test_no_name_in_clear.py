"""No file of gateway, broker, campus server or kiosk holds a person's name in clear."""

import re
import time
from contextlib import closing

import pytest
from click.testing import CliRunner
from kiosk_helpers import ANSWER_S, FEVERISH, HEALTHY, kiosk

from fevergate.cli import cli
from fevergate.web_common.store import WebStore
from fevergate.web_common.tokens import Tokens
from harness.made_up_list import GIVEN, SURNAMES, as_csv, made_up
from harness.site import Site

PEOPLE = 2000
HANG_S = 120
ROWS = made_up(PEOPLE, ("east",))
NAMES = {row[1] for row in ROWS}
SECRETS = {row[0] for row in ROWS} | {row[6] for row in ROWS} | {row[7] for row in ROWS}
"""Personal numbers, card numbers and telephone numbers of the list."""

LIKE_A_NAME = re.compile(f"(?=([{SURNAMES}][{GIVEN}]{{2}}))")
LIKE_A_SECRET = re.compile(rb"(?=(2099\d{6}|100\d{8}|[0-9A-F]{8}))")


def in_clear(content: bytes) -> set[str]:
    """Names and numbers of the list that this content of a file holds, in any encoding."""
    secrets = {match.decode() for match in LIKE_A_SECRET.findall(content)} & SECRETS
    texts = [content.decode(code, "ignore") for code in ("utf-8", "gb18030", "utf-16-le")]
    texts.append(re.sub(r"\\u([0-9a-f]{4})", lambda at: chr(int(at[1], 16)), texts[0]))
    return secrets | {name for text in texts for name in LIKE_A_NAME.findall(text)} & NAMES


def wait_for(condition):
    end = time.monotonic() + HANG_S
    while not (result := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return result


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "fevergate"
    with Site(folder, {"north": ["north-1"]}, campus_server=True, forward_every_s=0.2) as site:
        site.edit("persons = false", "persons = true")
        yield site


def test_the_search_would_find_a_name_or_number_in_clear():
    (number, name, *_) = ROWS[0]
    card, telephone = ROWS[0][6:8]
    for content in (name.encode(), name.encode("gb18030"), name.encode("utf-16-le")):
        assert in_clear(b"xx" + content) == {name}
    escaped = "".join(f"\\u{ord(char):04x}" for char in name)
    assert in_clear(escaped.encode()) == {name}
    assert in_clear(f"{number} {card} {telephone}".encode()) == {number, card, telephone}


def test_no_file_of_gateway_broker_campus_server_or_kiosk_holds_a_name(site, tmp_path):
    file = tmp_path / "list.csv"
    file.write_bytes(as_csv(ROWS))
    campus = site.folder / "campus.toml"
    result = CliRunner().invoke(cli, ["people", "import", str(file), "--settings", str(campus)])
    assert result.exit_code == 0, result.output
    site.start_campus()
    site.start_gateway()
    site.start_web()
    board = kiosk(site.folder / "flash", site.board_files("north-1"))
    board.admit([HEALTHY, FEVERISH])
    board.start()
    with closing(WebStore(site.settings.path(site.settings.web.database))) as store:
        secret = Tokens(store).issue("test", ["registers", "persons", "log", "roll"], 1, "test")
    try:
        with site.client() as client:
            client.headers["Authorization"] = f"Bearer {secret}"

            def api(method, path, body=None):
                answer = client.request(method, f"/api/v1{path}", json=body)
                assert answer.status_code == 200, answer.text
                return answer.json()

            _, patient, *_, telephone, _ = ROWS[17]
            _, host, *_ = ROWS[18]
            visitor = {"name": patient, "phone": telephone, "whom": host}
            body = {"gate": "north", "fields": visitor}
            entry = api("POST", "/registers/visitors/entries", body)
            ended = f"/registers/visitors/entries/{entry['id']}/close"
            api("POST", ended, {"revision": 1})
            rows = wait_for(lambda: api("GET", "/roll")["figures"] and api("GET", "/roll/people"))
            marks = [{"person": rows[0]["person"], "excused": f"{patient} {telephone}"}]
            date = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
            api("POST", "/roll/marks", {"date": date, "marks": marks})
            board.wait_crowd(ANSWER_S)
            (fever,) = wait_for(lambda: api("GET", "/log")["log"]["fevers"])
            address = f"/fevers/{fever['kiosk']}/{fever['boot']}/{fever['seq']}/follow-up"
            body = {"clinical_c": 38.9, "outcome": "clinic", "person": patient, "phone": telephone}
            api("PUT", address, body | {"closed": True, "clinical_site": "axillary"})
            wait_for(lambda: b"clinic" in (site.folder / "campus.db").read_bytes() or _wal(site))
    finally:
        board.stop()
    count = 0
    for path in site.folder.rglob("*"):
        if path.is_file():
            assert in_clear(path.read_bytes()) == set(), path
            count += 1
    names = {path.name for path in site.folder.rglob("*")}
    assert {"people.db", "web.db", "campus.db", "fevergate.db"} <= names
    assert count > 20


def _wal(site):
    wal = site.folder / "campus.db-wal"
    return wal.exists() and b"clinic" in wal.read_bytes()
