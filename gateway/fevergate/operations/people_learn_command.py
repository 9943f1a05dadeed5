"""`fevergate people learn`: one known card tells how a reader and the list write numbers."""

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import click
import tomlkit

from fevergate.command_line.options import settings_option
from fevergate.errors import (
    CardLearningError,
    MessageError,
    NothingFoundError,
    SettingsError,
)
from fevergate.gateway.cards import READING, TAP, key_of, unsealed
from fevergate.kiosks.remote_settings import current, set_values, values_of
from fevergate.kiosks.setting_words import SETTINGS, value_in_words
from fevergate.mqtt.one_shot import listen
from fevergate.operations.backup_commands import is_campus
from fevergate.operations.people_commands import opened, people_group, user
from fevergate.people.card_learning import CardWriting, learn, list_bases
from fevergate.people.store import PeopleStore
from fevergate.protocol.messages import CardTapped, Reading, decode
from fevergate.protocol.topics import Topic, parse_topic
from fevergate.provision.files import read_toml, write_toml
from fevergate.provision.kiosks import settings_of
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.settings.shell_completion import complete_kiosk
from fevergate.storage.connection import open_reader
from fevergate.texts.translations import N_, Say, translator

PATIENCE_S = 60
"""How long the command waits for a tap."""

OLD_S = 60.0
"""Age above which a reading comes from the kiosk's backlog: its card was not tapped just now."""

SAMPLE = 1000
"""Number of the list's cards that are read to find out their digits: decimal or hexadecimal."""

REFUSED = {
    "pass": N_("that was a visitor's pass: tap the card of the person whom you named"),
    "text": N_("the list's card number of this person is no number: {detail} characters"),
    "doubt": N_("this card's number reads alike in several ways: take another person's card"),
}
"""What is wrong with a card, by the reason of a `CardLearningError`."""

UNSET = {"card": "off", "card_reader": "binary", "card_order": "big", "card_base": 10}
"""A kiosk's defaults for settings that are not given (firmware, `settings_check.py`)."""


@people_group.command("learn")
@click.argument("kiosk", shell_complete=complete_kiosk)
@click.argument("number")
@click.option(
    "--all", "for_all", is_flag=True, help="Change the settings of all kiosks, not only of KIOSK."
)
@settings_option("gateway.toml")
def learn_command(kiosk: str, number: str, for_all: bool, settings_path: Path) -> None:
    """Find out from one known card how KIOSK's reader and the list write card numbers.

    The card is that of the person with student or staff NUMBER. Run the command at the gateway,
    then have the card tapped at KIOSK within a minute. If cards are only recorded with readings
    (--card record), the person must be measured, too.

    A reader sends a number as bytes, the highest or the lowest first, or as a line of decimal or
    hexadecimal digits; the list has decimal or hexadecimal digits, too. Settings that do not fit
    are changed: card_order or card_base of the kiosk, and card_base in [people] of the gateway's
    settings. The card's number is not shown.

    \b
      fevergate settings north-1 --card permit
      fevergate people learn north-1 2023010117
    """
    if is_campus(settings_path):
        raise SettingsError(
            f"{settings_path}: cards are learnt at a gateway: expected gateway.toml"
        )
    settings = load_gateway(settings_path).as_user("admin")
    settings.expect_kiosks(kiosk)
    say = translator(settings.language)
    now = _writing(settings, kiosk)
    with opened(settings_path) as (home, _):
        person = home.store.by_number(number)
        if person is None or not person.card:
            raise NothingFoundError("number: nobody on the list has it, or no card is listed there")
        bases = list_bases(_cards(home.store))
        home.audited.note(user(), "learn cards", f"{kiosk} {person.person}")
    click.echo(
        say(N_("Tap the card now, at {kiosk}: within {wait} s."), kiosk=kiosk, wait=PATIENCE_S)
    )
    taps = 0
    for card in _taps(settings, kiosk):
        try:
            writing = learn(card, person.card, bases, now)
        except CardLearningError as error:
            if error.reason != "other":
                text = say(REFUSED[error.reason], detail=str(len(person.card)))
                raise NothingFoundError(text) from error
            taps += 1
            continue
        for line in _set(
            settings, settings_path, [*settings.kiosks] if for_all else [kiosk], now, writing, say
        ):
            click.echo(line)
        return
    if taps:
        text = N_("{taps} cards were tapped; in no way of writing is one that of {number}")
        raise NothingFoundError(say(text, taps=taps, number=number))
    raise NothingFoundError(say(N_("no card was tapped at {kiosk}"), kiosk=kiosk))


def _writing(settings: GatewaySettings, kiosk: str) -> CardWriting:
    """How a kiosk and the gateway read cards now. Raises `SettingsError` where cards are off."""
    installed = settings_of(settings.folder, kiosk)
    current_values = current(settings, kiosk).values
    value: dict[str, Any] = {
        name: getattr(current_values, name, None) or installed.get(name, unset)
        for name, unset in UNSET.items()
    }
    if value["card"] == "off":
        raise SettingsError(f"{kiosk}: reads no cards; fevergate settings {kiosk} --card record")
    return CardWriting(
        value["card_reader"], value["card_order"], value["card_base"], settings.people.card_base
    )


def _cards(store: PeopleStore) -> Iterator[str]:
    limit = "p.person limit :most"
    return (row.card for row in store.select("p.sealed != ''", {}, limit, most=SAMPLE) if row.card)


def _taps(settings: GatewaySettings, kiosk: str) -> Iterator[int]:
    """Numbers of the cards that are tapped at a kiosk from now on, as its reader sends them."""
    key = key_of(settings.folder / "kiosks" / kiosk / "settings.json")
    topics = [str(Topic(settings.campus, kiosk, kind)) for kind in ("card", "reading")]
    for topic, payload in listen(settings, topics, PATIENCE_S):
        try:
            if parse_topic(topic).kind == "card":
                tap = decode(payload, CardTapped)
                yield unsealed(key, TAP, tap.boot, tap.tap, tap.who)
                continue
            reading = decode(payload, Reading)
        except MessageError:
            continue  # the gateway quarantines it
        if reading.who and (reading.at is None or time() - reading.at < OLD_S):
            yield unsealed(key, READING, reading.boot, reading.seq, reading.who)


def _set(
    settings: GatewaySettings,
    path: Path,
    kiosks: list[str],
    now: CardWriting,
    writing: CardWriting,
    say: Say,
) -> Iterator[str]:
    """Change the settings that differ from `writing`; yields a line for each setting."""
    name = "card_order" if writing.reader == "binary" else "card_base"
    value = writing.order if writing.reader == "binary" else writing.base
    before = now.order if writing.reader == "binary" else now.base
    title = say(SETTINGS[name].title)
    if value == before:
        words = value_in_words(name, str(value), say)
        yield say(N_("{title}: {value}, as it was"), title=title, value=words)
    else:
        with open_reader(settings.path(settings.database)) as database:
            for kiosk in kiosks:
                set_values(settings, database, kiosk, values_of({name: value}))
        yield say(
            N_("{title}: {value}, set for {kiosks}"),
            title=title,
            value=value_in_words(name, str(value), say),
            kiosks=", ".join(kiosks),
        )
    digits = value_in_words("card_base", str(writing.list_base), say)
    if writing.list_base == now.list_base:
        yield say(N_("digits of the list's card numbers: {value}, as it was"), value=digits)
        return
    document = read_toml(path)
    table: Any = document.setdefault("people", tomlkit.table())
    table["card_base"] = writing.list_base
    write_toml(path, document)
    yield say(
        N_("digits of the list's card numbers: {value}, set in {path}; in force after: {command}"),
        value=digits,
        path=path,
        command="sudo systemctl restart fevergate-gateway fevergate-web",
    )
