"""A settings file says what is wrong in one line."""

import pytest

from fevergate.campus.settings import load_campus
from fevergate.errors import SettingsError
from fevergate.settings.gateway import load_gateway
from fevergate.settings.settings_file import read_secret

GOOD = """
campus = "east"
gateway = "gw-east"
[[gates]]
name = "north"
kiosks = ["north-1"]
"""

DOOR = '''
[[gates]]
name = "door"
kiosks = ["door-1"]
lamps = "none"
watched_by = "{}"'''


def write(tmp_path, text, name="gateway.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_defaults(tmp_path):
    settings = load_gateway(write(tmp_path, GOOD))
    assert settings.broker.port == 8883
    assert settings.path("ca.crt") == tmp_path / "ca.crt"
    assert settings.gate_of("north-1") == settings.gates[0]
    assert settings.gate_of("nobody") is None
    assert str(settings.zone) == "Asia/Shanghai"


def test_a_gate_without_lamps_takes_no_pins_and_may_be_watched(tmp_path):
    settings = load_gateway(write(tmp_path, GOOD + DOOR.format("north")))
    assert settings.watched_by == {"door": "north"}
    assert [settings.has_lamps(name) for name in ("north", "door", "nowhere")] == [1, 0, 0]


def test_a_gate_with_lamp_posts_alone_may_watch_a_door(tmp_path):
    text = GOOD + 'lamps = "none"\nposts = ["post"]'
    settings = load_gateway(write(tmp_path, text + DOOR.format("north")))
    assert not settings.has_lamps("north") and settings.watched_by == {"door": "north"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("campus = 1\n" + GOOD.replace('campus = "east"\n', ""), "campus: expected `str`"),
        (GOOD.replace('campus = "east"', ""), "campus: missing"),
        (GOOD.replace("east", "EAST"), "campus: expected `str` matching"),
        (GOOD + "[broker]\nport = 99999", "broker.port: expected `int` <= 65535"),
        (GOOD + "[broker]\nprot = 1", "broker.prot: unknown key"),
        ('colour = "red"\n' + GOOD, "colour: unknown key"),
        ('folder = "/"\n' + GOOD, "folder: unknown key"),
        ('timezone = "Mars/Base"\n' + GOOD, "timezone: expected a zone"),
        ('language = "fr"\n' + GOOD, "language: invalid enum value 'fr'"),
        (GOOD + '[[gates]]\nname = "north"\nkiosks = ["x"]\npins = "gate2"', "taken by another"),
        (GOOD + '[[gates]]\nname = "south"\nkiosks = ["x"]', "taken by another"),
        (GOOD + DOOR.format("east"), "gates[1].watched_by: expected a gate that has lamps"),
        (GOOD + DOOR.format("door"), "gates[1].watched_by: expected a gate that has lamps"),
        (
            GOOD
            + DOOR.format("north")
            + '\nposts = ["p"]'
            + DOOR.format("door")
            .replace("door-1", "shed-1")
            .replace('name = "door"', 'name = "shed"'),
            "gates[2].watched_by: expected a gate that has lamps and is not watched itself: north",
        ),
        (
            GOOD + DOOR.format("north").replace("none", "pins") + '\npins = "gate2"',
            'gates[1].watched_by: only with lamps = "none"',
        ),
        (GOOD + 'posts = ["north-1"]', "gates[0].posts: 'north-1' is the name of a kiosk"),
        (GOOD + 'posts = ["p", "p"]', "gates[0].posts: 'p' is the name of a kiosk or of another"),
        (GOOD + 'posts = ["North"]', "gates[0].posts[0]: expected `str` matching"),
        (
            GOOD + '[[gates]]\nname = "south"\nkiosks = ["north-1"]\npins = "gate2"',
            "stands at another gate",
        ),
        ("campus = ", "not TOML"),
        (GOOD + '[campus_server]\nurl = "http://x"', "campus_server.url: expected `str` matching"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_file_and_key(tmp_path, text, says):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        load_gateway(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and says in line and "\n" not in line


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(SettingsError, match="fevergate provision"):
        load_gateway(tmp_path / "none.toml")


def test_a_campus_token_is_kept_as_its_digest(tmp_path):
    path = write(tmp_path, '[tokens]\ngw-east = "secret"', "campus.toml")
    with pytest.raises(SettingsError, match=r"tokens\.gw-east: expected a SHA-256"):
        load_campus(path)


def test_a_secret_comes_from_its_file(tmp_path):
    assert read_secret(write(tmp_path, "s3cret\n", "a")) == "s3cret"
    for path in (tmp_path / "none", write(tmp_path, "\n", "empty")):
        with pytest.raises(SettingsError, match="secret"):
            read_secret(path)
