"""The gateway lights red and the pages serve the board, whichever small file is damaged at start.

The files are damaged as a power cut or a worn card leaves them. Damage to the broker's files is
tested in test_broker_starts, to the gateway's database in test_gateway_without_disk.
"""

import shutil
import time

import pytest
from gpiozero.pins.mock import MockFactory
from starlette.testclient import TestClient

from fevergate.alarm.gpio_pins import GATES
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.crypto.field_encryption import Vault
from fevergate.desk.store import DeskStore
from fevergate.errors import CampusError, SettingsError, StoreError
from fevergate.gateway.service import Gateway
from fevergate.operations import doctor_storage
from fevergate.protocol.messages import Verdict
from fevergate.settings import last_good
from fevergate.settings.gateway import CampusServerSettings, Desk, load_gateway
from fevergate.settings.last_good import load_settings
from fevergate.storage.connection import open_reader, set_aside_before
from fevergate.storage.store import Store
from fevergate.texts import trouble_text
from fevergate.web.app import Pages
from fevergate.web_common.store import WebStore
from harness.load import Fleet


def unreadable(path):
    path.unlink()
    path.mkdir()  # root could read any file, but not a folder in its place


DAMAGE = {
    "absent": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "null bytes": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "unreadable": unreadable,
}


def wait_until(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def restore(folder, copy):
    """Put the files of `copy` back into `folder`, whatever a test made of them."""
    for path in copy.rglob("*"):
        beside = folder / path.relative_to(copy)
        if beside.is_dir() and not path.is_dir():
            beside.rmdir()
        if not path.is_dir():
            shutil.copy2(path, beside)


@pytest.fixture(scope="module")
def begun(site, tmp_path_factory):
    """The folder of a gateway that has run once, a copy of its files, and a connected kiosk."""
    settings = load_gateway(site.folder / "gateway.toml")
    with Lit(*load_settings(site.folder / "gateway.toml")):
        fleet = Fleet(settings, 1, boot=2)
    names = ("gateway.toml", "gateway.password", "ca.crt")
    copy = tmp_path_factory.mktemp("copy")
    for name in names:
        shutil.copy2(site.folder / name, copy)
    yield site.folder, copy, fleet
    fleet.close()


class Lit:
    """A gateway with mock pins of its own."""

    def __init__(self, settings, wrong=None):
        self.factory = MockFactory()
        self.gateway = Gateway(settings, self.factory, wrong)

    def __enter__(self):
        self.gateway.start()
        return self

    def __exit__(self, *_):
        self.gateway.stop()
        self.factory.reset()

    @property
    def red(self):
        return bool(self.factory.pin(GATES["gate1"]["red"]).state)

    @property
    def amber(self):
        (state,) = self.gateway.alarm.states()
        return state.amber


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["gateway.toml", "gateway.password", "ca.crt"])
def test_the_last_sound_copy_of_a_damaged_file_lights_the_lamp(begun, name, damage, caplog):
    folder, copy, fleet = begun
    try:
        if (name, damage) == ("gateway.password", "cut off"):
            pytest.skip("nothing tells half a password from a whole one; the broker refuses it")
        DAMAGE[damage](folder / name)
        settings, wrong = load_settings(folder / "gateway.toml")
        with Lit(settings, wrong) as lit:
            fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lit.red or fleet.kiosks[0].again())
            assert (trouble_text.SETTINGS in lit.amber) == (name == "gateway.toml")
            assert "last s" in caplog.text and name in caplog.text
            assert fleet.wait_stored(60)
            lit.gateway.ingest.alarms.press("north", "button")
    finally:
        restore(folder, copy)


def test_without_a_password_or_a_copy_it_is_amber_and_waits_for_one(begun):
    folder, copy, fleet = begun
    (folder / "gateway.password").unlink()
    shutil.rmtree(folder / last_good.FOLDER)
    try:
        with Lit(load_gateway(folder / "gateway.toml")) as lit:
            wait_until(lambda: lit.gateway.tick() and trouble_text.SECRETS in lit.amber)
            restore(folder, copy)
            fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lit.red or fleet.kiosks[0].again())
            wait_until(lambda: lit.gateway.tick() and trouble_text.SECRETS not in lit.amber)
            assert fleet.wait_stored(60)
    finally:
        restore(folder, copy)


def test_wrong_settings_are_reported_and_never_kept_as_sound(begun, tmp_path):
    folder, _, _ = begun
    shutil.copy(folder / "gateway.toml", tmp_path)
    path = tmp_path / "gateway.toml"
    load_settings(path)
    path.write_text(path.read_text() + "\nlanguage = 'fr'\n")
    settings, wrong = load_settings(path)
    assert settings.folder == tmp_path and wrong and str(path) in wrong
    shutil.rmtree(tmp_path / last_good.FOLDER)
    with pytest.raises(SettingsError):
        load_settings(path)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_token_of_the_campus_server_costs_no_light(begun, damage):
    folder, _, fleet = begun
    (folder / "campus.token").write_text("secret\n" * 20)
    DAMAGE[damage](folder / "campus.token")
    try:
        settings = load_gateway(folder / "gateway.toml")
        settings.campus_server = CampusServerSettings(url="https://127.0.0.1:9/", every_s=0.1)
        with Lit(settings) as lit:
            fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lit.red or fleet.kiosks[0].again())
            assert fleet.wait_stored(60) and lit.gateway.tick()
    finally:
        path = folder / "campus.token"
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


@pytest.fixture
def pages(tmp_path, site):
    """The pages' folder after a first start, with somebody on the duty list."""
    folder = tmp_path / "fevergate"
    folder.mkdir()
    for path in site.folder.iterdir():
        if path.is_file():
            shutil.copy2(path, folder)
    shutil.copytree(site.folder / "kiosks", folder / "kiosks")
    settings = load_gateway(folder / "gateway.toml")
    Store(settings.path(settings.database)).close()
    started = Pages(settings.as_user("web"))
    started.duty.add("Li Wei", "")
    started.store.close()
    with Store(settings.path(settings.database)).transaction():
        pass
    last_good.choose_secrets(settings.as_user("web"))
    return settings.as_user("web")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "name",
    [
        "web.db",
        "web.password",
        "ca.crt",
        "persons.key",
        "fevergate.db",
        "kiosks/north-1/settings.json",
    ],
)
def test_the_board_is_served_whatever_is_damaged(pages, name, damage):
    DAMAGE[damage](pages.folder / name)
    if (name, damage) == ("web.db", "unreadable"):
        with pytest.raises(StoreError):  # nobody could sign in, so systemd tries again
            Pages(pages)
        return
    if name == "web.db" and damage in ("absent", "empty"):
        return  # that is the same as a first start
    started = Pages(pages)
    with TestClient(started.app) as client:
        assert client.get("/sign-in").status_code == 200
    if name == "web.db":
        assert set_aside_before(pages.path("web.db"))
        (finding,) = doctor_storage.damaged(pages)
        assert "web.db.damaged-" in finding.text[1]


def test_damaged_clock_values_do_not_keep_the_store_from_opening(pages):
    store = Store(pages.path(pages.database))
    with store.transaction():
        for key in ("clock", "believed_at", "housekept_at"):
            store.db.execute("insert or replace into meta values (?, ?)", (key, "\0\0{nonsense"))
    store.close()
    with Lit(pages) as lit:
        assert lit.gateway.writer.disk.opened


@pytest.mark.parametrize("content", [bytes(50_000), b"PK\x03\x04 somebody's zip" * 100])
def test_a_damaged_database_of_the_campus_server_is_named_and_left_as_it_is(tmp_path, content):
    """An empty new database would report zeros for lost days, so a person must restore a backup."""
    path = tmp_path / "campus.db"
    path.write_bytes(content)
    with pytest.raises(CampusError, match=r"campus\.db.*not a database"):
        CampusDatabase(database_url(str(path), tmp_path))
    assert path.read_bytes() == content


def test_names_sealed_with_a_damaged_key_are_opened_with_its_copy(tmp_path):
    path = tmp_path / "persons.key"
    sealed = Vault(path).seal({"name": "Li Wei"})
    path.unlink()
    assert Vault(path).open(sealed) == {"name": "Li Wei"}
    assert not path.exists()  # no new key was made: it would open nothing
    path.write_bytes(b"")
    shutil.rmtree(tmp_path / last_good.FOLDER)
    vault = Vault(path)
    for use in (
        lambda: vault.open(sealed),
        lambda: vault.seal({"name": "x"}),
        lambda: vault.mac(""),
    ):
        with pytest.raises(StoreError, match="key"):
            use()


def test_the_sound_rest_of_a_damaged_duty_list_is_recovered(tmp_path):
    """One bad page in the middle of a long list."""
    path = tmp_path / "web.db"
    store = WebStore(path)
    names = [f"guard {number:05}" for number in range(5000)]
    with store.transaction() as connection:
        for name in names:
            connection.execute("insert into duty(name, gate) values (?, '')", (name,))
    store.query("pragma wal_checkpoint(truncate)")
    (size,) = store.query("pragma page_size")[0]
    store.close()
    data = bytearray(path.read_bytes())
    middle = data.index(b"guard 02500") // size * size
    data[middle : middle + size] = b"\xa5" * size
    path.write_bytes(data)
    store = WebStore(path)
    recovered = {name for (name,) in store.query("select name from duty")}
    assert names[0] in recovered and names[-1] in recovered and len(recovered) > 4000
    store.close()
    assert len(set_aside_before(path)) == 1


@pytest.mark.parametrize("damage", ["null bytes", "cut off"])
def test_the_desks_database_is_begun_anew(pages, damage):
    desk = Desk()
    DeskStore(pages, desk).close()
    DAMAGE[damage](pages.path(desk.database))
    DeskStore(pages, desk).close()
    assert set_aside_before(pages.path(desk.database))
    open_reader(pages.path(desk.database)).close()
