"""`fevergate provision kiosk` and `post`: add a board to a gate, or change its settings."""

from pathlib import Path
from typing import Any

import click

from fevergate.command_line.options import FiniteRange
from fevergate.command_line.terminal import echo_lines
from fevergate.provision import steps
from fevergate.provision.command_options import (
    board_options,
    board_values,
    cable_options,
    folder_argument,
    network_options,
)
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.kiosks import static_address
from fevergate.provision.title_options import (
    GATE,
    TitlePair,
    ask_for,
    checked,
    gate_title_option,
    known_gate,
    known_in,
    title_options,
)
from fevergate.provision.titles import UNCHANGED, Titles, suggested_gate


@click.command("kiosk")
@folder_argument
@click.argument("kiosk")
@click.option("--gate", help="Gate at which the kiosk stands; required for a new kiosk.")
@click.option(
    "--watched-by",
    metavar="GATE",
    help="The gate whose lamps, lamp posts and button also serve KIOSK's gate, which has none.",
)
@title_options("kiosk")
@gate_title_option
@board_options
@click.option(
    "--supply-v",
    type=FiniteRange(2.6, 3.6),
    help="Voltage between VDD and VSS at the sensor, measured with a voltmeter: 3.0 on a carrier"
    " board, up to 3.3 in a build of modules. The kiosk corrects its readings for it (0.6 °C per"
    " volt).",
)
@cable_options
def kiosk_command(
    folder: Path,
    kiosk: str,
    gate: str | None,
    watched_by: str | None,
    supply_v: float | None,
    static: str | None,
    port: str | None,
    title: str | None,
    title_en: str | None,
    gate_titles: tuple[TitlePair, ...],
    **options: Any,
) -> None:
    """Add KIOSK to a gateway's FOLDER, or change its settings.

    A new kiosk gets the settings of another kiosk at its gate, except those that are given as
    options. The broker accepts it at once; the gateway is restarted, and a red light stays red
    meanwhile.

    \b
      sudo fevergate provision kiosk /etc/fevergate north-3 --gate north --title 左侧
      sudo fevergate provision kiosk /etc/fevergate north-3 --port /dev/ttyUSB0
    """
    wishes = {name: value for name, value in board_values(options).items() if value is not None}
    wishes |= {"supply_v": supply_v} if supply_v else {}
    wishes |= static_address(static) if static else {}
    titles, before = checked(Titles(title, title_en)), known_in(folder / SETTINGS)
    given_titles = ask_for(
        *(GATE, [gate] if gate else [], dict(gate_titles)),
        lambda gate: known_gate(before, gate),
        suggested_gate,
    )
    if gate or watched_by or wishes or given_titles or titles != UNCHANGED or not port:
        echo_lines(
            steps.add(folder.absolute(), kiosk, gate, wishes, titles, given_titles, watched_by)
        )
    if port:
        _over_usb(folder, port, kiosk)


@click.command("post")
@folder_argument
@click.argument("post")
@click.option("--gate", help="Gate whose alarm the post shows; required for a new post.")
@title_options("post")
@network_options
@cable_options
def post_command(
    folder: Path,
    post: str,
    gate: str | None,
    static: str | None,
    port: str | None,
    title: str | None,
    title_en: str | None,
    **options: Any,
) -> None:
    """Add lamp post POST to a gate of a gateway's FOLDER, or change its settings.

    A lamp post is a board of the kiosks' kind with lamps, siren and button. It shows its gate's
    alarm and measures nobody. Any gate may have lamp posts, even if it has lamps on the Pi's pins.
    A new post gets Wi-Fi and broker from the boards at its gate. Set up its board like a kiosk's.
    `fevergate provision revoke` removes it.

    \b
      sudo fevergate provision post /etc/fevergate north-post --gate north --title 北门灯柱
      sudo fevergate provision post /etc/fevergate north-post --gate south       it moved
      sudo fevergate provision post /etc/fevergate north-post --port /dev/ttyUSB0
    """
    wishes = {name: value for name, value in board_values(options).items() if value is not None}
    wishes |= static_address(static) if static else {}
    titles = checked(Titles(title, title_en))
    if gate or wishes or titles != UNCHANGED or not port:
        echo_lines(steps.add(folder.absolute(), post, gate, wishes, titles, post=True))
    if port:
        _over_usb(folder, port, post)


def _over_usb(folder: Path, port: str, kiosk: str) -> None:
    from fevergate.kiosks.cable import Cable, settings_files

    files = settings_files(folder, kiosk)
    with Cable(port) as cable:
        about = cable.take()
        cable.write(files, lambda *_: None)
        cable.reset()
    for file in files:
        click.echo(f"{kiosk}: {file.path.removeprefix('/')}, {len(file.data)} bytes")
    click.echo(f"{kiosk}: written to {about.machine} at {port}, which starts anew")
