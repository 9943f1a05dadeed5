"""`fevergate provision`: creates, adds, renews and revokes certificates and credentials."""

from pathlib import Path
from typing import Any

import click

from fevergate.command_line.terminal import echo_lines
from fevergate.provision import steps
from fevergate.provision.board_commands import kiosk_command, post_command
from fevergate.provision.campus import provision_campus, read_enrolment
from fevergate.provision.command_options import (
    NamesParam,
    board_options,
    board_values,
    folder_argument,
    language_option,
    merged,
)
from fevergate.provision.device_service import requests_command
from fevergate.provision.files import Provisioned
from fevergate.provision.gateway import SETTINGS, provision
from fevergate.provision.title_options import (
    CAMPUS,
    GATE,
    TitlePair,
    ask_for,
    campus_title_option,
    checked,
    gate_title_option,
    known_gate,
    known_in,
    title_options,
)
from fevergate.provision.titles import UNCHANGED, Titles, suggested_campus, suggested_gate
from fevergate.provision.upgrade import upgrade_command


@click.group("provision")
def provision_group() -> None:
    """Create, add, renew and revoke the certificates and passwords of a campus.

    \b
      sudo fevergate provision gateway /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2 --broker-host 192.168.1.10 --bind 0.0.0.0
      sudo fevergate provision kiosk /etc/fevergate north-3 --gate north
      sudo fevergate provision post /etc/fevergate north-post --gate north
      sudo fevergate provision labels /etc/fevergate
      sudo fevergate provision revoke /etc/fevergate north-2 --because "stolen"

    Secrets are written to files that only their owner can read, and are never printed. Each command
    may be run again: it keeps keys, passwords and edits of the settings.
    """


provision_group.add_command(kiosk_command)
provision_group.add_command(post_command)
provision_group.add_command(upgrade_command)
provision_group.add_command(requests_command)


@provision_group.command("gateway")
@folder_argument
@click.option("--campus", required=True, help="The campus's name: [a-z0-9-].")
@click.option("--gateway", required=True, help="This gateway's name.")
@click.option(
    "--gate",
    "gates",
    type=NamesParam("NAME=KIOSK[,KIOSK...]", "north=north-1"),
    multiple=True,
    required=True,
    help="A gate and its kiosks; repeat it for each gate.",
)
@click.option(
    "--watched-by",
    type=NamesParam("DOOR=GATE", "door-3=south"),
    multiple=True,
    help="A gate without lamps, and the gate whose lamps, lamp posts and button also serve it. A"
    " Pi's pins light two gates; each further gate needs this or --post.",
)
@click.option(
    "--post",
    "posts",
    type=NamesParam("POST=GATE", "north-post=north"),
    multiple=True,
    help="A lamp post, which is a board with lamps of its own, and its gate; repeat it for each. A"
    " new gate with a lamp post takes none of the Pi's pins.",
)
@click.option(
    "--broker-host", help="Address at which kiosks reach the broker.  [first run: 127.0.0.1]"
)
@click.option(
    "--broker-port", type=click.IntRange(1, 65535), help="Port of the broker.  [first run: 8883]"
)
@click.option(
    "--bind", help="Address to listen on; 0.0.0.0 for all interfaces.  [first run: 127.0.0.1]"
)
@click.option(
    "--campus-server",
    metavar="FILE|URL",
    help="gateways/NAME.json from the campus server; or https://HOST[:PORT] to create one here.",
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@title_options("campus")
@gate_title_option
@board_options
@click.option(
    "--home-assistant",
    is_flag=True,
    help="Add a password for Home Assistant, and show kiosks there.",
)
@click.option(
    "--collect", is_flag=True, help="Add a password and settings for `fevergate collect`."
)
def gateway_command(
    folder: Path,
    gates: tuple[tuple[str, list[str]], ...],
    watched_by: tuple[tuple[str, list[str]], ...],
    posts: tuple[tuple[str, list[str]], ...],
    campus_server: str | None,
    title: str | None,
    title_en: str | None,
    gate_titles: tuple[TitlePair, ...],
    **options: Any,
) -> None:
    """Create FOLDER with all files of a gateway, its broker and its kiosks, and start them.

    \b
      sudo fevergate provision gateway /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2 --gate south=south-1 \\
          --title 东校区 --gate-title north=北门 --gate-title "south=南门/South gate" \\
          --broker-host 192.168.1.10 --bind 0.0.0.0 --wifi-ssid campus

    Run it again to add gates or kiosks, or to change something; options that are not given keep
    their values. At a terminal it asks for the names of campus and gates. Pages, reports and labels
    show these names instead of the ids.

    If a gate is too far from the Pi for its lamps to be wired to the Pi's pins, it gets a lamp
    post, a board with lamps of its own: use `--post north-post=north` here, or later `fevergate
    provision post`.

    Then set up each board in one of three ways: with `fevergate flash`; over USB with `fevergate
    provision kiosk --port`; or with a phone. A new board opens a Wi-Fi network with a page that
    asks for a setup code; the gateway's pages show that code.
    """
    url = campus_server if campus_server and campus_server.startswith("http") else None
    file = Path(campus_server) if campus_server and url is None else None
    by_gate, before = merged(gates), known_in(folder / SETTINGS)
    campus = options["campus"]
    given_titles = {campus: checked(Titles(title, title_en))} if title or title_en else {}
    titles = ask_for(CAMPUS, [campus], given_titles, lambda _: before, suggested_campus)
    provisioned = provision(
        folder,
        gates=by_gate,
        watched_by={door: ",".join(watchers) for door, watchers in watched_by},
        posts={post: ",".join(gate_ids) for post, gate_ids in merged(posts).items()},
        titles=titles.get(campus, UNCHANGED),
        gate_titles=ask_for(
            *(GATE, by_gate, dict(gate_titles)),
            lambda gate: known_gate(before, gate),
            suggested_gate,
        ),
        campus_server_url=url,
        enrolment=read_enrolment(file) if file else None,
        **board_values(options),
    )
    _tell(provisioned)
    echo_lines(steps.begin(provisioned.folder, broker_anew="mosquitto.conf" in provisioned.made))
    echo_lines(steps.what_next(provisioned.folder))


@provision_group.command("campus")
@folder_argument
@click.option(
    "--url", required=True, help="https://HOST[:PORT] at which gateways reach the server."
)
@click.option(
    "--gateways",
    type=NamesParam("CAMPUS=GATEWAY[,GATEWAY...]", "east=gw-east"),
    multiple=True,
    required=True,
    help="A campus and its gateways; repeat it for each campus.",
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@title_options("institution")
@campus_title_option
@language_option
def campus_command(
    folder: Path,
    url: str,
    gateways: tuple[tuple[str, list[str]], ...],
    timezone: str,
    title: str | None,
    title_en: str | None,
    campus_titles: tuple[TitlePair, ...],
    language: str | None,
) -> None:
    """Create the campus server's FOLDER: certificate, settings, and a file for each gateway.

    \b
      sudo fevergate provision campus /etc/fevergate --url https://campus.example.edu.cn:8443 \\
          --gateways east=gw-east --gateways west=gw-west \\
          --campus-title "east=东校区/East campus" --title 某某学院

    Copy gateways/gw-east.json, which holds a secret, to that gateway, and run
    `fevergate provision gateway ... --campus-server gw-east.json` there.
    """
    by_campus, before = merged(gateways), known_in(folder / steps.CAMPUS)
    provisioned = provision_campus(
        folder,
        url=url,
        gateways=by_campus,
        titles=checked(Titles(title, title_en)),
        campus_titles=ask_for(
            *(CAMPUS, by_campus, dict(campus_titles)),
            lambda campus: before.get("campuses", {}).get(campus, {}),
            suggested_campus,
        ),
        timezone=timezone,
        language=language or "zh",
    )
    _tell(provisioned)
    echo_lines(steps.begin_campus(provisioned.folder))


@provision_group.command("labels")
@folder_argument
@click.argument("kiosks", nargs=-1, metavar="[KIOSK...]")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PDF to write.  [default: FOLDER/labels.pdf]",
)
@click.option(
    "--url", help="Address at which phones reach the pages.  [default: from the settings]"
)
def labels_command(folder: Path, kiosks: tuple[str, ...], to: Path | None, url: str | None) -> None:
    """Make labels to print, one for each kiosk: name, gate, and a QR code of its page.

    The labels contain no secret.
    """
    echo_lines(steps.labels(folder.absolute(), kiosks, to or folder / "labels.pdf", url))


@provision_group.command("renew")
@folder_argument
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option(
    "--all-certificates",
    is_flag=True,
    help="Renew also certificates that are still valid for long.",
)
def renew_command(folder: Path, names: tuple[str, ...], all_certificates: bool) -> None:
    """Renew certificates that expire soon, and the passwords of NAMES.

    NAMES are kiosks or users of the broker (gateway, web, admin, homeassistant, collect). Running
    services use the new certificates and passwords at once. A kiosk with a new password is refused
    until that password is on its board.

    \b
      sudo fevergate provision renew /etc/fevergate             certificates, as each month
      sudo fevergate provision renew /etc/fevergate north-1     its password leaked
    """
    echo_lines(steps.renew(folder.absolute(), names, everything=all_certificates))


@provision_group.command("revoke")
@folder_argument
@click.argument("name")
@click.option("--because", default="", help="Reason; kept in revoked.jsonl.")
def revoke_command(folder: Path, name: str, because: str) -> None:
    """Revoke a kiosk's password at once; in a campus server's FOLDER, a gateway's token.

    The broker ends the kiosk's connection, and this command checks that the kiosk cannot connect
    again. Its readings stay. `fevergate provision kiosk` can use the name again.
    """
    echo_lines(steps.revoke(folder.absolute(), name, because))


def _tell(provisioned: Provisioned) -> None:
    for title, names in (("made", provisioned.made), ("kept", provisioned.kept)):
        if names:
            click.echo(f"{title}: {', '.join(names)}")
