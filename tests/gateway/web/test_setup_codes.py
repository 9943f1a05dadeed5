"""A setup code opens one kiosk's file, once and within its lifetime; nothing that the gateway keeps
opens that file."""

import base64
import json
import string

import pytest
import real_micropython as micropython
import zxingcpp
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given
from hypothesis import strategies as st
from pages_site import GOOD, OURS, post
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from fevergate.errors import ActionError
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store
from fevergate.web.app import Pages
from fevergate.web.setup_codes import LIFETIME_S, SetupCodes
from kiosk import setup_code
from kiosk.errors import SettingsError

KIOSK = "/admin/kiosks/north-1"
WIFI, WIFI_PASSWORD = "📶 校园", "hunter2hunter2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes") / "site"
    provision(
        folder,
        campus="east",
        gateway="gw",
        gates={"north": ["north-1", "north-2"]},
        broker_host="192.168.1.10",
        bind="0.0.0.0",  # noqa: S104
        wifi_ssid=WIFI,
        wifi_password=WIFI_PASSWORD,
    )
    return folder


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def codes(folder, clock):
    return SetupCodes(load_gateway(folder / "gateway.toml"), lambda: clock[0])


def fetched(codes, text):
    """What a board gets with a code that somebody typed."""
    host, port, code = setup_code.parse(text)
    assert (host, port) == ("192.168.1.10", 8443)
    return codes.take(setup_code.path_of(code).removeprefix("/setup/"))


def content_of(sealed, code):
    key = base64.urlsafe_b64encode(setup_code.key_of(code))
    return Fernet(key).decrypt(base64.urlsafe_b64encode(sealed))


def test_a_code_gives_the_file_that_provision_made_once(folder, codes):
    issued = codes.issue("north-1")
    kiosk, sealed = fetched(codes, issued.text)
    file = json.loads(content_of(sealed, setup_code.parse(issued.text)[2]))
    assert kiosk == "north-1"
    assert file == json.loads((folder / "kiosks/north-1/kiosk.json").read_text())
    assert fetched(codes, issued.text) is None


def test_a_code_is_good_for_a_quarter_of_an_hour(codes, clock):
    late, soon = codes.issue("north-1"), codes.issue("north-2")
    clock[0] += LIFETIME_S - 1
    assert fetched(codes, soon.text)
    clock[0] += 1
    assert fetched(codes, late.text) is None


def test_a_new_code_ends_the_one_before_of_that_kiosk_alone(codes):
    first, neighbour, second = (codes.issue(name) for name in ("north-1", "north-2", "north-1"))
    assert fetched(codes, first.text) is None
    assert fetched(codes, neighbour.text) and fetched(codes, second.text)


def test_pages_that_no_board_reaches_say_so(folder):
    settings = load_gateway(folder / "gateway.toml")
    assert SetupCodes(settings).issue("north-1").reachable
    settings.web.host = "127.0.0.1"
    assert not SetupCodes(settings).issue("north-1").reachable


def test_no_code_for_a_kiosk_that_has_no_file(codes):
    with pytest.raises(ActionError, match="kiosk_file"):
        codes.issue("north-9")


def test_what_waits_and_what_is_sent_holds_no_secret_and_opens_with_no_other_code(folder, codes):
    issued, neighbour = codes.issue("north-1"), codes.issue("north-2")
    content = repr(codes.__dict__["_waiting"]).encode()
    _, sealed = fetched(codes, issued.text)
    code = setup_code.parse(issued.text)[2]
    password = json.loads((folder / "kiosks/north-1/settings.json").read_text())["password"]
    for secret in (password, WIFI_PASSWORD, code, issued.text):
        assert secret.encode() not in content + sealed
    with pytest.raises(InvalidToken):
        content_of(sealed, setup_code.parse(neighbour.text)[2])
    with pytest.raises(SettingsError, match="not sealed"):
        setup_code.unseal(sealed, setup_code.parse(neighbour.text)[2])
    with pytest.raises(SettingsError, match="not sealed"):
        setup_code.unseal(sealed[:-1] + bytes((sealed[-1] ^ 1,)), code)
    with pytest.raises(SettingsError, match="not sealed"):
        setup_code.unseal(b"", code)


def test_two_codes_share_nothing(codes):
    texts = {setup_code.parse(codes.issue("north-1").text)[2] for _ in range(50)}
    assert len(texts) == 50
    assert all(len({text[at] for text in texts}) > 8 for at in range(setup_code.LENGTH))
    assert 32**setup_code.LENGTH == 2**100


def test_a_board_opens_what_the_gateway_sealed(codes, tmp_path):
    """Runs on MicroPython, whose implementation of AES is not the gateway's."""
    issued = codes.issue("north-1")
    (tmp_path / "sealed").write_bytes(fetched(codes, issued.text)[1])
    script = tmp_path / "opens.py"
    script.write_text(
        "import json, sys\n"
        f"sys.path.insert(0, {str(micropython.ROOT / 'firmware')!r})\n"
        "from kiosk import setup_code\n"
        f"code = setup_code.parse({issued.link!r})[2]\n"
        "text = setup_code.unseal(open('sealed', 'rb').read(), code)\n"
        "values = json.loads(text)['settings']\n"
        "print(values['username'], values['wifi_ssid'])\n"
    )
    assert micropython.run(str(script), cwd=tmp_path).strip() == f"north-1 {WIFI}"


def test_the_picture_is_the_link_to_a_camera(codes):
    issued = codes.issue("north-1")
    assert issued.link == f"http://192.168.4.1/#{issued.text}"
    svg = base64.b64decode(issued.picture.split(",", 1)[1]).decode()
    side = int(svg.split('viewBox="0 0 ')[1].split()[0])
    image = Image.new("L", (side * 4, side * 4), 255)
    draw = ImageDraw.Draw(image)
    for part in svg.split('<path d="')[1].split("M")[1:]:
        x, y = (int(number) for number in part.split("h")[0].split())
        draw.rectangle((4 * x, 4 * y, 4 * x + 3, 4 * y + 3), 0)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [issued.link]


HOSTS = st.text(string.ascii_letters + string.digits + ".-", min_size=1, max_size=40)
CODES = st.text(setup_code.ALPHABET, min_size=20, max_size=20)


@given(HOSTS, st.none() | st.integers(1, 65535), CODES, st.booleans(), st.integers(1, 9))
def test_a_code_is_understood_however_it_is_written(host, port, code, link, group):
    groups = "- "[port is None].join(code[at : at + group] for at in range(0, 20, group))
    text = f"{host}{f':{port}' if port else ''}/{groups.lower() if link else groups}"
    parsed = setup_code.parse(f"http://192.168.4.1/#{text}" if link else f" {text}\n")
    assert parsed == (host, port or 8443, code)


@given(
    st.text(max_size=60)
    | st.builds(
        "{}{}/{}".format,
        st.text(max_size=8) | HOSTS,
        st.sampled_from(["", ":", ":0", ":8443", ":70000", ":１２", ":1x"]),
        st.text(max_size=24) | CODES,
    )
)
def test_whatever_is_pasted_is_a_code_or_one_line_of_what_was_expected(text):
    try:
        host, port, code = setup_code.parse(text)
    except SettingsError as error:
        assert "setup code: expected" in str(error)
    else:
        assert host.isascii() and 0 < port < 65536 and len(code) == 20


@pytest.fixture(scope="module")
def site(folder):
    """The pages, with an administrator and a guard."""
    Store(folder / "fevergate.db").close()
    pages = Pages(load_gateway(folder / "gateway.toml"))
    pages.accounts.begin(pages.accounts.invite(), "李伟", GOOD)
    pages.accounts.add("Zhang", GOOD, "guard")
    yield pages
    pages.store.close()


def client(site, name=None):
    client = TestClient(site.app, base_url="https://pages", follow_redirects=False)
    client.cookies.set("fevergate-language", "en")
    if name:
        client.post("/sign-in", data={"name": name, "password": GOOD}, headers=OURS)
    return client


def test_an_administrator_sees_a_code_once_and_a_board_fetches_with_it_once(site, folder):
    administrator = client(site, "李伟")
    page = post(administrator, f"{KIOSK}/setup-code", KIOSK)
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    text = page.text.split('class="code"><code>')[1].split("<")[0]
    assert text.startswith("192.168.1.10:8443/")
    assert text not in administrator.get(KIOSK).text
    code = setup_code.parse(text)[2]
    board = client(site)
    answer = board.get(setup_code.path_of(code))
    assert json.loads(content_of(answer.content, code))["settings"]["kiosk"] == "north-1"
    assert board.get(setup_code.path_of(code)).status_code == 404
    entries = [(entry.user, entry.action, entry.what) for entry in site.store.audit(10)]
    assert ("李伟", "setup code", "north-1") in entries
    assert ("-", "setup code used", "north-1 testclient") in entries
    assert code not in repr(entries) and text not in repr(entries)
    for path in folder.glob("*.db*"):
        assert code.encode() not in path.read_bytes()


def test_neither_a_guard_nor_a_request_from_another_site_gets_a_code(site):
    def count():
        return [entry.action for entry in site.store.audit(1000)].count("setup code")

    path, before = f"{KIOSK}/setup-code", count()
    assert client(site).post(path, headers=OURS).status_code == 401
    assert client(site, "Zhang").post(path, headers=OURS).status_code == 403
    administrator = client(site, "李伟")
    assert administrator.post(path, headers={"origin": "https://elsewhere"}).status_code == 403
    assert administrator.post(path, data={"csrf": "no"}, headers=OURS).status_code == 403
    assert count() == before
