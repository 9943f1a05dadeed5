"""`fevergate people`: imports the list of people, says what it holds, forgets somebody."""

import getpass
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from fevergate.command_line.options import json_option, settings_option
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import (
    ListFileError,
    NothingFoundError,
    PeopleError,
    SettingsError,
    StoreError,
)
from fevergate.mosquitto.broker_files import set_owners
from fevergate.operations.backup_commands import is_campus
from fevergate.people.changes import ListDifference, PeopleChanges
from fevergate.people.list_columns import ListRules
from fevergate.people.list_file import ListFile, in_words, read_list
from fevergate.people.list_table import MAX_BYTES
from fevergate.people.schema import migrations
from fevergate.people.store import DATABASE, PeopleStore
from fevergate.settings.gateway import load_gateway
from fevergate.storage.statements import SqliteStatements
from fevergate.texts.translations import N_, side_by_side, translator
from fevergate.web_common.store import AuditedStore, WebStore

REASONS = {
    "many_people": N_("the list would have more people than it can hold: {detail}"),
    "many_gone": N_(
        "{detail} people would leave the list, more than a tenth: is the file whole? If it"
        " is, run it again with --gone"
    ),
    "meanwhile_list": N_("the list was changed meanwhile; run it again"),
}
"""Message of a `PeopleError` on the command line, by its reason."""


class Home(NamedTuple):
    """The list's home: the campus server, or a gateway without one."""

    store: PeopleStore
    audited: AuditedStore
    rules: ListRules
    language: str


@click.group("people")
def people_group() -> None:
    """The list of people who may enter, and who must be measured each day.

    The list is kept at the campus server (--settings /etc/fevergate/campus.toml), and gateways copy
    it. A gateway without a campus server has a list of its own. Names, numbers, cards and
    telephones are stored encrypted.
    """


@people_group.command("import")
@click.argument("file", metavar="LIST", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--kind",
    default="",
    help="Kind of everybody on LIST, such as student; required if LIST has no column of kinds.",
)
@click.option(
    "--gone", is_flag=True, help="Import even if more than a tenth of the people would leave."
)
@json_option
@settings_option("gateway.toml")
def import_command(
    file: Path, dry_run: bool, kind: str, gone: bool, as_json: bool, settings_path: Path
) -> None:
    """Import LIST as the list of people: a CSV file (UTF-8 or GB18030) or a spreadsheet (XLSX).

    If a row is wrong, nothing is imported, and each mistake is shown with its row and column.
    Columns have their usual Chinese or English names, or those of [people.columns] in the settings;
    other columns are not read. People who are no longer on LIST leave the list today. Kinds of
    people that do not occur on LIST stay as they are. Importing the same file again changes
    nothing.

    \b
      fevergate people import list.xlsx --dry-run
      fevergate people import list.xlsx
      fevergate people import guards.csv --kind guard
      fevergate people import list.csv --settings /etc/fevergate/campus.toml
    """
    with _home(settings_path) as home:
        say = translator(home.language)
        rules = msgspec.structs.replace(home.rules, kind=kind)
        try:
            listed = read_list(content(file), file.name, rules)
        except ListFileError as error:
            for problem in error.problems:
                click.echo(f"{file.name}: {in_words(problem, home.language)}", err=True)
            raise SystemExit(2) from error
        changes = PeopleChanges(home.store)
        try:
            if dry_run:
                difference = changes.compare(listed.entries)
            else:
                difference = changes.replace(listed.entries, drastic=gone)
                home.audited.note(user(), "import list", difference.in_numbers)
        except PeopleError as error:
            raise StoreError(side_by_side(REASONS[error.reason], detail=error.detail)) from error
        if as_json:
            click.echo(msgspec.json.encode(_figures(listed, difference, dry_run)))
            return
        for line in _lines(listed, difference):
            click.echo(say(line[0], **line[1]))
        if dry_run:
            click.echo(say(N_("dry run: nothing was changed")))
            if difference.drastic:
                click.echo(say(N_("more than a tenth would be gone: the import needs --gone")))


@people_group.command("forget")
@click.argument("number")
@settings_option("gateway.toml")
def forget_command(number: str, settings_path: Path) -> None:
    """Take the person with student or staff NUMBER off the list, and erase their data.

    Name, number, card and telephone are erased here at once, and at every gateway when it next asks
    the campus server. The counts of past days stay. People who leave the list are erased
    automatically 30 days later ([retention] persons_days).

    \b
      fevergate people forget 2023010117
    """
    with _home(settings_path) as home:
        person = home.store.by_number(number)
        if person is None:
            raise NothingFoundError("number: nobody on the list has it")
        PeopleChanges(home.store).forget(person.person)
        home.audited.note(user(), "forget person", str(person.person))
        click.echo(translator(home.language)(N_("erased; past counts stay")))


@people_group.command("status")
@json_option
@settings_option("gateway.toml")
def status_command(as_json: bool, settings_path: Path) -> None:
    """Show how many people are on the list, how many are expected today, and the list's revision.

    \b
      fevergate people status
    """
    with opened(settings_path) as (home, _):
        state, now = home.store.state(), home.store.statements.clock()
        people = sum(count for _, count in home.store.units(now))
        expected = len(home.store.expected(now))
        if as_json:
            fields = msgspec.to_builtins(state) if state else {}
            click.echo(msgspec.json.encode(fields | {"people": people, "expected": expected}))
            return
        say = translator(home.language)
        if state is None:
            click.echo(say(N_("there is no list")))
            return
        click.echo(
            say(
                N_("{people} people, {expected} of them expected today; revision {revision}"),
                people=people,
                expected=expected,
                revision=state.revision,
            )
        )


def user() -> str:
    """Who runs the command, for the audit: the account on this machine."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


@contextmanager
def opened(settings_path: Path) -> Iterator[tuple[Home, bool]]:
    """The list of a gateway or campus server, and whether this is its home. What root makes here is
    given to the services' user, who could not open it otherwise."""
    opening = _campus if is_campus(settings_path) else _gateway
    try:
        with opening(settings_path) as result:
            yield result
    finally:
        set_owners(settings_path.absolute().parent)


@contextmanager
def _gateway(settings_path: Path) -> Iterator[tuple[Home, bool]]:
    settings = load_gateway(settings_path)
    with (
        closing(SqliteStatements(settings.path(DATABASE), migrations)) as lists,
        closing(WebStore(settings.path(settings.web.database))) as audited,
    ):
        rules = ListRules.of(settings, {settings.campus: (settings.title, settings.title_en)})
        store = PeopleStore(lists, Vault(settings.path(KEY)))
        yield Home(store, audited, rules, settings.language), settings.keeps_list


@contextmanager
def _campus(settings_path: Path) -> Iterator[tuple[Home, bool]]:
    from fevergate.campus.account_store import AccountStore
    from fevergate.campus.clock import CampusClock
    from fevergate.campus.database import CampusDatabase
    from fevergate.campus.settings import load_campus

    settings = load_campus(settings_path)
    with CampusDatabase(settings.url) as database:
        audited = AccountStore(database, CampusClock(database, settings).now)
        titles = {name: settings.titles(name) for name in settings.campuses}
        rules = ListRules.of(settings, titles)
        store = PeopleStore(audited, Vault(settings.path(KEY)))
        yield Home(store, audited, rules, settings.language), True


@contextmanager
def _home(settings_path: Path) -> Iterator[Home]:
    """The list, at its home. Raises `SettingsError` elsewhere."""
    with opened(settings_path) as (home, is_home):
        if not is_home:
            raise SettingsError(
                f"{settings_path}: campus_server: this gateway copies the campus server's list; run"
                " the command there, with --settings /etc/fevergate/campus.toml"
            )
        yield home


def content(file: Path) -> bytes:
    """A list or roster that was named on the command line, up to one byte over its limit. Raises
    `NothingFoundError` where it cannot be read."""
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NothingFoundError(f"{file}: {error.strerror}") from error


def _figures(listed: ListFile, difference: ListDifference, dry_run: bool) -> dict[str, object]:
    return {
        "added": len(difference.added),
        "changed": len(difference.changed),
        "gone": len(difference.gone),
        "same": difference.same,
        "doubled": len(listed.doubled),
        "left_alone": difference.left_alone,
        "over": difference.over,
        "ignored": listed.ignored,
        "dry_run": dry_run,
    }


def _lines(listed: ListFile, difference: ListDifference) -> Iterator[tuple[str, dict[str, object]]]:
    """Texts with their values, of what a list changes."""
    yield (
        N_("{added} added, {changed} changed, {gone} gone, {doubled} doubled; {same} as before"),
        _figures(listed, difference, False),
    )
    if difference.left_alone:
        text = N_("{left_alone} of kinds that this list does not have stay as they are")
        yield text, {"left_alone": difference.left_alone}
    if difference.over:
        text = N_("{over} are left out: their last day is over, and they are not on the list")
        yield text, {"over": difference.over}
    if listed.doubled:
        rows = ", ".join(map(str, listed.doubled[:20]))
        yield N_("rows that say again what another said: {rows}"), {"rows": rows}
    if listed.ignored:
        names = ", ".join(listed.ignored[:20])
        yield N_("columns that are not read: {names}"), {"names": names}
