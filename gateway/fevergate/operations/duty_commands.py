"""`fevergate duty`: imports a roster, and says who is on duty."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from fevergate.command_line.options import json_option, settings_option
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import ListFileError
from fevergate.operations.backup_commands import is_campus
from fevergate.operations.people_commands import content, user
from fevergate.people.list_file import in_words
from fevergate.registers.declarations import load_registers
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.settings.gateway import load_gateway
from fevergate.texts.translations import N_, translator
from fevergate.web_common.duty_file import DutyRules, read_roster
from fevergate.web_common.store import AuditedStore, WebStore


class _Place(NamedTuple):
    """The duty list of a gateway or campus server."""

    duty: Duty
    audited: AuditedStore
    rules: DutyRules
    language: str


@click.group("duty")
def duty_group() -> None:
    """The duty list: who is on duty at which gate, from when to when.

    The board offers these names, and notices go to these people. Each gateway has its own list. The
    campus server (--settings /etc/fevergate/campus.toml) has one, too, with campuses instead of
    gates.
    """


@duty_group.command("import")
@click.argument("file", metavar="ROSTER", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
@settings_option("gateway.toml")
def import_command(file: Path, dry_run: bool, as_json: bool, settings_path: Path) -> None:
    """Import the shifts in ROSTER: a CSV file (UTF-8 or GB18030) or a spreadsheet (XLSX).

    Its columns, in English or Chinese, are name, gate (empty: all gates), from and to. Times are
    written as 2026-11-27 20:00. If there is a column date, they are written as 20:00, and a shift
    whose end is before its start ends the next day.

    If a row is wrong, nothing is imported. On the days in ROSTER, its shifts replace those that
    were planned before and have not begun. Importing it again changes nothing.

    \b
      fevergate duty import roster.xlsx --dry-run
      fevergate duty import roster.csv
    """
    with _opened(settings_path) as place:
        say = translator(place.language)
        try:
            shifts = read_roster(content(file), file.name, place.rules)
        except ListFileError as error:
            for problem in error.problems:
                click.echo(f"{file.name}: {in_words(problem, place.language)}", err=True)
            raise SystemExit(2) from error
        changes = place.duty.compare(shifts)
        figures = {
            "added": len(changes.added),
            "withdrawn": len(changes.withdrawn),
            "unchanged": changes.unchanged,
        }
        if not dry_run:
            place.duty.apply(changes, user())
            place.audited.note(user(), "import duty", changes.in_numbers)
        if as_json:
            click.echo(msgspec.json.encode(figures | {"dry_run": dry_run}))
            return
        text = N_("{added} shifts added, {withdrawn} withdrawn; {unchanged} as before")
        click.echo(say(text, **figures))
        if dry_run:
            click.echo(say(N_("dry run: nothing was changed")))


@duty_group.command("now")
@json_option
@settings_option("gateway.toml")
def now_command(as_json: bool, settings_path: Path) -> None:
    """Show who is on duty now at each gate.

    \b
      fevergate duty now
    """
    with _opened(settings_path) as place:
        names = {gate: place.duty.at(gate) for gate in dict.fromkeys(place.rules.gates.values())}
        if as_json:
            click.echo(msgspec.json.encode(names))
            return
        nobody = translator(place.language)(N_("nobody"))
        for gate, on_duty in names.items():
            click.echo(f"{gate}: {', '.join(on_duty) or nobody}")


@contextmanager
def _opened(settings_path: Path) -> Iterator[_Place]:
    if is_campus(settings_path):
        with _campus(settings_path) as place:
            yield place
        return
    settings = load_gateway(settings_path)
    gates = [gate.name for gate in settings.gates]
    titles = {
        settings.gate_title(gate, language): gate for language in ("en", "zh") for gate in gates
    }
    with closing(WebStore(settings.path(settings.web.database))) as store:
        entries = Entries(store, Vault(settings.path(KEY)), load_registers(settings.folder))
        duty = Duty(entries, lambda: gates)
        duty.adopt(store)
        rules = DutyRules(zone=settings.zone, gates=dict(zip(gates, gates, strict=True)) | titles)
        yield _Place(duty, store, rules, settings.language)


@contextmanager
def _campus(settings_path: Path) -> Iterator[_Place]:
    from fevergate.campus.account_store import AccountStore
    from fevergate.campus.clock import CampusClock
    from fevergate.campus.database import CampusDatabase
    from fevergate.campus.settings import load_campus

    settings = load_campus(settings_path)
    campuses = {name: name for name in settings.campuses}
    titles = {title: name for name in settings.campuses for title in settings.titles(name)}
    with CampusDatabase(settings.url) as database:
        store = AccountStore(database, CampusClock(database, settings).now)
        entries = Entries(store, Vault(settings.path(KEY)), load_registers(settings.folder))
        duty = Duty(entries, lambda: list(campuses))
        rules = DutyRules(zone=settings.zone, gates=campuses | titles)
        yield _Place(duty, store, rules, settings.language)
