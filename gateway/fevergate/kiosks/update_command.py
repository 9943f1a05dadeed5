"""`fevergate update`: updates the kiosks' firmware over the air. The firmware is signed, and first
runs on trial."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from fevergate.command_line.options import settings_option
from fevergate.command_line.terminal import console, table
from fevergate.crypto.pki import UPDATE_KEY, read_update_key
from fevergate.kiosks import rollout
from fevergate.kiosks.boards import BOARDS
from fevergate.kiosks.firmware_bundle import build, read
from fevergate.kiosks.rollout import Rollout
from fevergate.kiosks.update_words import why_in_words
from fevergate.settings.gateway import load_gateway
from fevergate.settings.shell_completion import complete_device
from fevergate.texts.translations import LANGUAGES, N_, side_by_side, translator
from fevergate.texts.word_tables import LABELS


@click.command("update")
@click.argument("kiosks", nargs=-1, metavar="KIOSK...", shell_complete=complete_device)
@click.option("--all", "everyone", is_flag=True, help="Update all kiosks and lamp posts.")
@click.option(
    "--firmware",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the firmware.  [default: the firmware that came with fevergate]",
)
@click.option(
    "--bundle",
    "bundle_path",
    type=click.Path(path_type=Path),
    help="Bundle made by --save, to send instead.",
)
@click.option(
    "--board",
    "boards",
    multiple=True,
    type=click.Choice(sorted(BOARDS)),
    help="Build for this board; may be repeated.  [default: all supported boards]",
)
@click.option(
    "--save", type=click.Path(path_type=Path), help="Only build, and write the bundle to this file."
)
@click.option("--downgrade", is_flag=True, help="Allow the same version or an older one.")
@click.option(
    "--at-once", type=click.IntRange(1, 16), default=4, show_default=True, help="Kiosks at a time."
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="Signing key.  [default: update.key beside the settings]",
)
@settings_option("gateway.toml")
def update_command(
    kiosks: tuple[str, ...],
    everyone: bool,
    firmware: Path | None,
    bundle_path: Path | None,
    boards: tuple[str, ...],
    save: Path | None,
    downgrade: bool,
    at_once: int,
    key: Path | None,
    settings_path: Path,
) -> None:
    """Update the firmware of KIOSKs or lamp posts over the air, or of all with --all.

    The firmware is compiled, packed and signed for each kiosk, which fetches it while nobody stands
    before it. The kiosk checks the signature and every byte, and boots the new version on trial. It
    goes back to the old version if the new one crashes or is not healthy within two minutes.

    The first kiosk is updated alone, and so is the first lamp post; if it fails, no other is
    updated. A lamp post fetches the firmware while its red lamp is off, and shows amber while it
    restarts. An update does not change pins, and a kiosk refuses firmware for another board.

    \b
      fevergate update north-1                 one kiosk; check it before the others
      fevergate update --all
      fevergate update --save fw.bundle        build on a PC ...
      fevergate update --all --bundle fw.bundle            ... for a gateway without a compiler
      fevergate update north-1 --bundle old.bundle --downgrade

    Exit code 1: a kiosk does not run the new version.
    """
    if bundle_path and boards:
        raise click.UsageError("--board: not with --bundle, which is built for boards already")
    bundle = read(bundle_path) if bundle_path else build(firmware, boards)
    size = f"{bundle.version}, {len(bundle.data) / 1024:.0f} KiB, {', '.join(bundle.boards)}"
    if save:
        save.write_bytes(bundle.data)
        click.echo(f"{save}: {size}, sha256 {bundle.sha256}")
        return
    settings = load_gateway(settings_path).as_user("admin")
    if everyone == bool(kiosks):
        raise click.UsageError("name the kiosks to update, or give --all")
    settings.expect_devices(*kiosks)
    signing = read_update_key(key or settings.path(UPDATE_KEY))
    names = list(dict.fromkeys(kiosks or settings.devices))
    screen = console()
    screen.print(f"{size} → {', '.join(names)}")
    with _Shown(screen) as display:
        work = Rollout(settings, bundle, signing, display.moved, downgrade=downgrade)
        with work.connected():
            ended = work.run(names, at_once)
    left = [kiosk for kiosk in names if kiosk not in {progress.kiosk for progress in ended}]
    screen.print(_results(ended, left))
    if left or any(progress.state != rollout.DONE for progress in ended):
        sys.exit(1)


class _Shown(Progress):
    """Shows progress: in a terminal a bar for each kiosk, otherwise a line for each step."""

    def __init__(self, screen: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
        )
        super().__init__(*columns, console=screen, disable=not screen.is_terminal)
        self._tasks_of: dict[str, TaskID] = {}
        self._last: dict[str, str] = {}

    def moved(self, progress: rollout.Progress) -> None:
        """Show the progress of one kiosk."""
        kiosk, state = progress.kiosk, side_by_side(LABELS.get(progress.state, progress.state))
        if kiosk not in self._tasks_of:
            self._tasks_of[kiosk] = self.add_task(kiosk, total=1.0, state=state)
        self.update(self._tasks_of[kiosk], completed=progress.share, state=state)
        if self.disable and self._last.get(kiosk) != progress.state:
            self.console.print(Text(f"{kiosk}: {state} {_why(progress)}".rstrip()))
        self._last[kiosk] = progress.state


def _why(progress: rollout.Progress) -> str:
    texts = (why_in_words(progress.why, translator(language)) for language in LANGUAGES)
    return " ".join(dict.fromkeys(texts))


def _results(ended: list[rollout.Progress], left: list[str]) -> Table:
    rows = []
    for progress in ended:
        style = "green" if progress.state == rollout.DONE else "bold red"
        state = Text(side_by_side(LABELS[progress.state]), style)
        rows.append((progress.kiosk, state, _why(progress)))
    rows += [(kiosk, side_by_side("left as it is"), "") for kiosk in left]
    return table(map(side_by_side, (N_("kiosk"), N_("result"), N_("why"))), rows)
