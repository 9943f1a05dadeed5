"""Each kiosk's key for the numbers of cards is made with its other secrets and replaced with
them."""

import json
import re

from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.provision import provision
from fevergate.provision.files import Provisioned, kiosk_names
from fevergate.provision.kiosks import renew_password, settings_of, write_kiosk

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}


def make(folder, gates=GATES):
    return provision(folder, campus="east", gateway="gw-east", gates=gates)


def test_each_kiosk_seals_cards_with_a_key_of_its_own_which_is_kept(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    first = card_keys(folder)
    make(folder, gates={"north": ["north-3"]})
    second = card_keys(folder)
    assert second | first == second and len(set(second.values())) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in second.values())


def test_a_new_credential_of_a_kiosk_brings_a_new_card_key(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    before = card_keys(folder)
    renew_password(folder, "north-1")
    after = card_keys(folder)
    assert {name for name in after if after[name] != before[name]} == {"north-1"}
    document = json.loads((folder / "kiosks/north-1/kiosk.json").read_text())
    assert document["settings"]["card_key"] == after["north-1"]


def test_settings_of_an_earlier_version_get_a_card_key_and_keep_the_password(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    path = folder / "kiosks/north-1/settings.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps({name: old[name] for name in old if name != "card_key"}))
    write_kiosk(Provisioned(folder), "north-1", settings_of(folder, "north-1"))
    new = json.loads(path.read_text())
    assert new["password"] == old["password"]
    assert len(new["card_key"]) == 64 and new["card_key"] != old["card_key"]


def test_a_lamp_post_has_no_card_key(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    values = settings_of(folder, "north-1") | {"role": "lamp_post", "kiosk": "north-post"}
    write_kiosk(Provisioned(folder), "north-post", values)
    assert "card_key" not in settings_of(folder, "north-post")


def card_keys(folder):
    return {name: settings_of(folder, name)["card_key"] for name in kiosk_names(folder)}


def test_card_options_are_in_a_kiosks_settings_only_if_given(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    names = ("card", "card_reader", "card_order", "card_base")
    before = settings_of(folder, "north-1")
    assert not [name for name in names if name in before]
    given = ["--card", "permit", "--card-reader", "line", "--card-base", "16", "--gate", "north"]
    done = CliRunner().invoke(cli, ["provision", "kiosk", str(folder), "north-2", *given])
    assert done.exit_code == 0, done.output
    after = settings_of(folder, "north-2")
    assert [after.get(name) for name in names] == ["permit", "line", None, 16]
    assert settings_of(folder, "north-1") == before
    assert after["card_key"] not in done.output
