"""`fevergate provision post` makes a lamp post's files and adds it to a gate; other commands do not
take it for a kiosk."""

import json
import shutil

import pytest
import tomlkit
from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision import provision, steps
from fevergate.provision.gates import add_to_gate
from fevergate.provision.labels import labels_of
from fevergate.settings.gateway import load_gateway
from kiosk.settings import Settings

GATES = {"north": ["north-1"], "south": ["south-1"], "door": ["door-1"]}


@pytest.fixture(scope="module")
def new_site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "a"
    provision(folder, campus="east", gateway="gw-east", gates=GATES, wifi_ssid="campus")
    return folder


@pytest.fixture
def folder(new_site, tmp_path):
    return shutil.copytree(new_site, tmp_path / "a")


def run(*arguments):
    done = CliRunner().invoke(cli, ["provision", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def settings_of(folder, board):
    return json.loads((folder / "kiosks" / board / "settings.json").read_text())


def posts(folder):
    return load_gateway(folder / "gateway.toml").posts


def test_a_post_is_a_board_of_its_gate_in_another_role(folder):
    output = run("post", folder, "door-post", "--gate", "door", "--title", "侧门灯柱")
    values = settings_of(folder, "door-post")

    Settings(values)
    assert "door-post: a lamp post of gate" in output or "灯柱" in output
    assert values["role"] == "lamp_post" and values["gate"] == "door"
    assert values["wifi_ssid"] == "campus" and values["username"] == "door-post"
    assert "card_key" not in values
    document = json.loads((folder / "kiosks/door-post/kiosk.json").read_text())
    assert document["settings"] == values, "the file for its setup page"
    settings = load_gateway(folder / "gateway.toml")
    assert settings.posts == {"door-post": "door"} and "door-post" not in settings.kiosks
    assert settings.kiosk_title("door-post", "zh") == "侧门灯柱"
    (label,) = labels_of(settings, ["door-post"], "https://gw:8443")
    assert label.place == "east · door · door-post"
    allowed = (folder / "broker.acl").read_text().split("user door-post\n")[1].split("\nuser ")[0]
    assert "alarm/door/acknowledge\n" in allowed and "/person" not in allowed
    assert "/reading" not in allowed


def test_a_new_kiosk_beside_a_post_does_not_become_a_post(folder):
    run("post", folder, "a-post", "--gate", "door")  # sorts before the kiosks
    run("kiosk", folder, "door-2", "--gate", "door")

    assert "role" not in settings_of(folder, "door-2")
    assert len(settings_of(folder, "door-2")["card_key"]) == 64


def test_a_post_keeps_its_role_and_password_where_it_is_changed_and_moves(folder):
    run("post", folder, "a-post", "--gate", "door")
    before = settings_of(folder, "a-post")
    run("post", folder, "a-post", "--gate", "south", "--language", "en")
    after = settings_of(folder, "a-post")

    assert after == before | {"gate": "south", "language": "en"}
    assert posts(folder) == {"a-post": "south"}
    assert "posts" not in (folder / "gateway.toml").read_text().split('"door"')[1]
    run("renew", folder, "a-post")
    assert settings_of(folder, "a-post")["password"] != after["password"]
    assert settings_of(folder, "a-post")["role"] == "lamp_post"


def test_a_gateway_takes_posts_beside_its_gates(folder):
    begin = ("gateway", folder, "--campus", "east", "--gateway", "gw-east")
    output = run(*begin, "--gate=hall=hall-1", "--post=hall-post=hall", "--post=third=north")

    assert posts(folder) == {"hall-post": "hall", "third": "north"}
    assert "kiosks/hall-post" in output and "hall没有灯" not in output and "door没有灯" in output
    values = settings_of(folder, "hall-post")
    assert (values["role"], values["gate"], values["wifi_ssid"]) == ("lamp_post", "hall", "campus")
    run(*begin, "--gate=hall=hall-1", "--post=second=hall")
    assert posts(folder) == {"hall-post": "hall", "second": "hall", "third": "north"}
    assert settings_of(folder, "hall-post") == values, "the posts of before stay"


def test_a_new_gate_with_a_post_leaves_the_pins_to_others(tmp_path):
    document = tomlkit.document()
    for gate in ("hall", "north", "south"):
        add_to_gate(document, tmp_path, gate, f"{gate}-1", {"hall"})

    tables = document.unwrap()["gates"]
    assert tables[0]["lamps"] == "none"
    assert [table["pins"] for table in tables[1:]] == ["gate1", "gate2"]


@pytest.mark.parametrize(
    ("post", "says"),
    [
        ("north-1=north", "lamp post 'north-1': this name is a kiosk's"),
        ("gateway=north", "lamp post 'gateway': this name is reserved"),
        ("P=north", "lamp post 'P': expected"),
        ("p=west", "posts: gate 'west': expected one of north"),
        ("p=north,door", "posts: gate 'north,door': expected one of"),
        ("north-1", "expected POST=GATE, such as north-post=north"),
    ],
)
def test_a_gateway_refuses_an_invalid_post(tmp_path, post, says):
    command = ["gateway", tmp_path / "a", "--campus=east", "--gateway=g", "--gate=north=north-1"]
    done = CliRunner().invoke(cli, ["provision", *map(str, command), "--post", post])

    assert says in done.output + str(done.exception) and not (tmp_path / "a").exists()


def test_a_post_beside_a_kiosk_with_a_card_reader_has_no_card_settings(folder):
    run("kiosk", folder, "door-1", "--card", "record", "--card-base", "16", "--supply-v", "3.2")
    run("post", folder, "a-post", "--gate", "door")

    assert not {"card", "card_base", "card_key", "supply_v"} & set(settings_of(folder, "a-post"))


def test_a_door_may_be_watched_by_a_gate_with_lamp_posts_alone_until_they_go(folder):
    run("post", folder, "door-post", "--gate", "door")
    run("kiosk", folder, "shed-1", "--gate", "shed", "--watched-by", "door")
    assert load_gateway(folder / "gateway.toml").watched_by == {"shed": "door"}

    with pytest.raises(ProvisionError, match="'door-post' is the only lamp of a gate that watches"):
        list(steps.add(folder, "door-post", "south", {}, post=True))
    assert posts(folder) == {"door-post": "door"}
    output = run("revoke", folder, "door-post", "--because", "stolen")
    assert "--watched-by" in output  # the door's red now shows only on its kiosk and the pages
    assert load_gateway(folder / "gateway.toml").watched_by == {}


def test_a_door_that_is_watched_watches_no_other(folder):
    run("kiosk", folder, "door-1", "--gate", "door", "--watched-by", "south")
    run("post", folder, "door-post", "--gate", "door")
    with pytest.raises(ProvisionError, match="gate 'door': expected one of north, south"):
        list(steps.add(folder, "shed-1", "shed", {}, watcher="door"))


def test_a_post_that_is_revoked_is_gone_and_may_come_again(folder):
    run("post", folder, "a-post", "--gate", "door")
    run("revoke", folder, "a-post", "--because", "stolen")

    assert posts(folder) == {} and not (folder / "kiosks/a-post").exists()
    assert "user a-post" not in (folder / "broker.acl").read_text()
    run("post", folder, "a-post", "--gate", "door")
    assert posts(folder) == {"a-post": "door"}


def test_a_gate_with_a_post_is_not_reported_as_unlit(folder):
    unlit = "door没有灯"
    assert unlit in run("kiosk", folder, "door-2", "--gate", "door")
    run("post", folder, "a-post", "--gate", "door")

    assert unlit not in run("kiosk", folder, "door-3", "--gate", "door")


@pytest.mark.parametrize(
    ("name", "gate", "says"),
    [
        ("north-1", "door", "'north-1': is a kiosk; expected another name"),
        ("p", "west", "posts: gate 'west': expected one of north, south, door"),
        ("gateway", "door", "lamp post 'gateway': this name is reserved"),
        ("P", "door", "lamp post 'P': expected"),
        ("p", None, "lamp post 'p': is new; expected --gate"),
    ],
)
def test_an_invalid_post_changes_nothing(folder, name, gate, says):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    with pytest.raises((ProvisionError, NothingFoundError)) as error:
        list(steps.add(folder, name, gate, {}, post=True))

    assert says in str(error.value)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_other_commands_refuse_a_post_in_place_of_a_kiosk(folder):
    run("post", folder, "a-post", "--gate", "door")

    with pytest.raises(ProvisionError, match="'a-post': is a lamp post"):
        list(steps.add(folder, "a-post", "door", {}))
    command = ["calibrate", "a-post", "--by", "Li", "--settings", str(folder / "gateway.toml")]
    done = CliRunner().invoke(cli, command)
    assert isinstance(done.exception, NothingFoundError), done.output
    assert "'a-post': is a lamp post, which measures nobody" in str(done.exception)


def test_an_update_knows_kiosks_and_posts(folder):
    run("post", folder, "a-post", "--gate", "door")
    settings = load_gateway(folder / "gateway.toml")

    settings.expect_devices("a-post", "door-1")
    with pytest.raises(NothingFoundError, match=r"'x': expected one of .*door-1, a-post"):
        settings.expect_devices("x")


@pytest.mark.parametrize(
    "option", [("--site", "forehead"), ("--threshold", "37"), ("--card", "off")]
)
def test_a_post_takes_no_settings_of_a_sensor_or_card_reader(folder, option):
    refused = CliRunner().invoke(
        cli, ["provision", "post", str(folder), "door-post", "--gate", "door", *option]
    )

    assert refused.exit_code == 2 and "No such option" in refused.output
    assert posts(folder) == {}
