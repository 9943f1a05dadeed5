"""`fevergate desk person`: measures a person of the list by name, such as a guard before the shift.

It is one of the desk's commands, but it is in this package because it writes to the list and to the
audit.
"""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click
import msgspec

from fevergate.command_line.options import by_option, language_option, settings_option
from fevergate.command_line.terminal import console
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.desk import terminal
from fevergate.desk.command import desk_command, look_at_each
from fevergate.desk.scan import Look
from fevergate.desk.session import open_desk
from fevergate.errors import MarkError, NothingFoundError
from fevergate.people.marks import Marks, NewMark
from fevergate.people.schema import migrations
from fevergate.people.store import DATABASE, ListedPerson, PeopleStore
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.statements import SqliteStatements
from fevergate.texts.translations import both, side_by_side, translator
from fevergate.texts.word_tables import ERRORS
from fevergate.web_common.store import WebStore
from kiosk import screening

SAME_NAME = 5
"""Most people with one name or number that are looked up."""


@desk_command.command("person")
@click.argument("person")
@by_option("Your name; kept with the measurement.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text; ask nothing."
)
@language_option
@settings_option("gateway.toml")
@click.pass_context
def person_command(
    context: click.Context,
    person: str,
    by: str,
    as_json: bool,
    language: str | None,
    settings_path: Path,
) -> None:
    """Measure somebody on the list of people, such as a guard before the shift.

    PERSON is the name or the number on the list; if two people have the same name, give the number.
    A person below the threshold is marked as measured today. Anybody else must be measured with a
    clinical thermometer; enter its reading on the page /roll.

    \b
      fevergate desk person "Li Wei" --by "Zhang Min"
      fevergate desk person 2019004 --by "Zhang Min" --json

    Exit code 1: nobody was seen, or the person is not below the threshold.
    """
    with open_desk(settings_path) as work:
        settings = work.settings
        say = translator(language or settings.language)
        with closing(SqliteStatements(settings.path(DATABASE), migrations)) as statements:
            store = PeopleStore(statements, Vault(settings.path(KEY)))
            listed = _listed(store, person)
            looks: list[Look] = []
            if not look_at_each(
                work.looker(None), 1, looks.append, language or settings.language, asks=not as_json
            ):
                context.exit(1)
            if not looks:  # the guard pressed q
                context.exit(1)
            (look,) = looks
            with work.store() as desk_store:
                desk_store.add_look(look, by, "", None)
            below = look.verdict == screening.NORMAL
            if below:
                _mark(settings, store, listed, look, by)
        if as_json:
            click.echo(msgspec.json.encode({"marked": below, "look": look}).decode())
        else:
            console().print(terminal.looked(look, language or settings.language))
            text = say("Not marked: measure with a clinical thermometer, and enter that on /roll.")
            if below:
                text = say(
                    "Marked as measured: {name}, {unit}.", name=listed.name, unit=listed.unit
                )
            click.echo(text)
        context.exit(0 if below else 1)


def _listed(store: PeopleStore, text: str) -> ListedPerson:
    """The person with a name or number. Raises `NothingFoundError` for nobody or several people."""
    now = store.statements.clock()
    people = [
        person
        for person in store.find(text, SAME_NAME)
        if person.until is None or person.until > now
    ]
    if not people:
        raise NothingFoundError(side_by_side("nobody on the list has this name or number"))
    if len(people) > 1:
        raise NothingFoundError(side_by_side("several people have this name: give the number"))
    return people[0]


def _mark(
    settings: GatewaySettings, store: PeopleStore, person: ListedPerson, look: Look, by: str
) -> None:
    """Mark a person as measured today. Raises `NothingFoundError` if the mark is refused, for
    instance because of an earlier one."""
    with open_reader(settings.path(settings.database)) as reader:
        day = datetime.fromtimestamp(clock_memory.now(reader), settings.zone).date()
    marks = Marks(store.statements, store.vault, settings.zone)
    mark = NewMark(person=person.person, clinical_c=round(look.body_c, 1))
    try:
        marks.enter(day, [mark], by, kind="desk")
    except MarkError as error:
        raise NothingFoundError(
            side_by_side("not marked: {why}", why=both(ERRORS[error.reason]))
        ) from error
    with closing(WebStore(settings.path(settings.web.database))) as audited:
        audited.note(by, "enter roll", f"{day} {person.unit}: 1 measured")
