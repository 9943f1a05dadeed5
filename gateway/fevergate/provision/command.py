"""`fevergate provision`: creates, adds, renews and revokes certificates and credentials."""

from __future__ import annotations

from pathlib import Path

import click

from fevergate.command_line.options import FiniteRange
from fevergate.command_line.secret_input import ask_secret
from fevergate.provision import steps
from fevergate.provision.campus import provision_campus, read_enrolment
from fevergate.provision.files import Provisioned
from fevergate.provision.gateway import provision
from fevergate.provision.kiosks import static_address
from fevergate.provision.upgrade import upgrade_command
from kiosk.estimate import SITES

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
language_option = click.option("--language", type=click.Choice(["zh", "en"]))
site_option = click.option(
    "--site", type=click.Choice(sorted(SITES)), help="What the sensor sees of a face."
)
threshold_option = click.option("--threshold", type=FiniteRange(35, 40), help="°C, axillary.")
wifi_option = click.option("--wifi-ssid", help="The boards' network; its password is asked for.")
WIFI_PASSWORD = "FEVERGATE_WIFI_PASSWORD"  # noqa: S105 - a variable's name
wifi_hex_option = click.option(
    "--wifi-ssid-hex", help="Instead: the bytes of a name that is no UTF-8, such as d0a3d4b0."
)


wifi_password_option = click.option(
    "--wifi-password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help=f"Its password: the first line, - for standard input; else ${WIFI_PASSWORD}, or asked.",
)


class NamesParam(click.ParamType[tuple[str, list[str]]]):
    """Option value NAME=ONE,ANOTHER: a name and the names that belong to it."""

    def __init__(self, name: str, example: str) -> None:
        self.name = name
        self._example = example

    def convert(
        self,
        value: str | tuple[str, list[str]],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, list[str]]:
        if isinstance(value, tuple):
            return value
        name, equals, names = value.partition("=")
        if not equals or not names:
            self.fail(f"{value!r}: expected {self.name}, such as {self._example}", param, ctx)
        return name, names.split(",")


@click.group("provision")
def provision_group() -> None:
    """Make what gateway, kiosks and campus server need to trust each other; add, renew, revoke.

    \b
      sudo fevergate provision gateway /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2 --broker-host 192.168.1.10 --bind 0.0.0.0
      sudo fevergate provision kiosk /etc/fevergate north-3 --gate north
      sudo fevergate provision labels /etc/fevergate
      sudo fevergate provision revoke /etc/fevergate north-2 --because "stolen"

    Secrets are written to files that only their owner reads, and never printed. Each may be run
    again: keys, passwords and what somebody wrote into the settings are kept.
    """


provision_group.add_command(upgrade_command)


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
    help="Repeat it.",
)
@click.option("--broker-host", help="As kiosks reach it.  [at first: 127.0.0.1]")
@click.option("--broker-port", type=click.IntRange(1, 65535), help="[at first: 8883]")
@click.option("--bind", help="0.0.0.0: all interfaces.  [at first: 127.0.0.1]")
@click.option(
    "--campus-server",
    metavar="FILE|URL",
    help="Its gateways/NAME.json for this gateway; or https://HOST[:PORT] of one to be made along.",
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@language_option
@site_option
@threshold_option
@wifi_option
@wifi_hex_option
@wifi_password_option
@click.option("--home-assistant", is_flag=True, help="A credential for it; kiosks appear in it.")
@click.option("--collect", is_flag=True, help="A credential and collect.toml: `fevergate collect`.")
def gateway_command(
    folder: Path,
    campus: str,
    gateway: str,
    gates: tuple[tuple[str, list[str]], ...],
    broker_host: str | None,
    broker_port: int | None,
    bind: str | None,
    campus_server: str | None,
    timezone: str,
    language: str | None,
    site: str | None,
    threshold: float | None,
    wifi_ssid: str | None,
    wifi_ssid_hex: str | None,
    wifi_password_file: Path | None,
    home_assistant: bool,
    collect: bool,
) -> None:
    """Make FOLDER: authority, certificates, credentials, broker, systemd, gateway and kiosks.

    \b
      sudo fevergate provision gateway /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2 --gate south=south-1 \\
          --broker-host 192.168.1.10 --bind 0.0.0.0 --wifi-ssid campus

    Run again, to add gates or kiosks or to change something, what is not said stays as it is.

    Then each board: `fevergate flash`, or by phone (a new board opens a Wi-Fi, whose page takes a
    setup code of the gateway's pages), or over USB with `fevergate provision kiosk --port`.
    """
    url = campus_server if campus_server and campus_server.startswith("http") else None
    file = Path(campus_server) if campus_server and url is None else None
    done = provision(
        folder,
        campus=campus,
        gateway=gateway,
        gates=_merged(gates),
        broker_host=broker_host,
        broker_port=broker_port,
        bind=bind,
        campus_server_url=url,
        enrolment=read_enrolment(file) if file else None,
        timezone=timezone,
        language=language,
        site=site,
        threshold_c=threshold,
        **_wifi(wifi_ssid, wifi_ssid_hex, wifi_password_file),
        home_assistant=home_assistant,
        collect=collect,
    )
    _tell(done)
    for line in steps.begin(done.folder, broker_anew="mosquitto.conf" in done.made):
        click.echo(line)
    click.echo(steps.what_next(done.folder))


@provision_group.command("kiosk")
@folder_argument
@click.argument("kiosk")
@click.option("--gate", help="At which it stands; needed for a new one.")
@language_option
@site_option
@threshold_option
@wifi_option
@wifi_hex_option
@wifi_password_option
@click.option("--static", help="ADDRESS,NETMASK,ROUTER[,NAME SERVER] of its own, or dhcp.")
@click.option("--port", help="Write its settings onto the board at this serial port.")
def kiosk_command(
    folder: Path,
    kiosk: str,
    gate: str | None,
    language: str | None,
    site: str | None,
    threshold: float | None,
    wifi_ssid: str | None,
    wifi_ssid_hex: str | None,
    wifi_password_file: Path | None,
    static: str | None,
    port: str | None,
) -> None:
    """Add KIOSK to a gateway's FOLDER, or change what its board is told.

    What is not said is as its neighbours at that gate have it. The broker lets it in at once; the
    gateway starts anew, which keeps a red light red.

    \b
      sudo fevergate provision kiosk /etc/fevergate north-3 --gate north
      sudo fevergate provision kiosk /etc/fevergate north-3 --port /dev/ttyUSB0
    """
    wishes = {
        "language": language,
        "site": site,
        "threshold_c": threshold,
        **_wifi(wifi_ssid, wifi_ssid_hex, wifi_password_file),
    }
    wishes = {name: value for name, value in wishes.items() if value is not None}
    wishes |= static_address(static) if static else {}
    if gate or wishes or not port:
        for line in steps.add(folder.absolute(), kiosk, gate, wishes):
            click.echo(line)
    if port:
        _over_usb(folder, port, kiosk)


@provision_group.command("campus")
@folder_argument
@click.option("--url", required=True, help="https://HOST[:PORT], as gateways reach it.")
@click.option(
    "--gateways",
    type=NamesParam("CAMPUS=GATEWAY[,GATEWAY...]", "east=gw-east"),
    multiple=True,
    required=True,
    help="Repeat it.",
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@language_option
def campus_command(
    folder: Path,
    url: str,
    gateways: tuple[tuple[str, list[str]], ...],
    timezone: str,
    language: str | None,
) -> None:
    """Make the campus server's FOLDER: certificate, settings, and a file for each gateway.

    \b
      sudo fevergate provision campus /etc/fevergate --url https://campus.example.edu.cn:8443 \\
          --gateways east=gw-east --gateways west=gw-west

    Take gateways/gw-east.json to that gateway, where
    `fevergate provision gateway ... --campus-server gw-east.json` puts it in; it holds a secret.
    """
    done = provision_campus(
        folder,
        url=url,
        gateways=_merged(gateways),
        timezone=timezone,
        language=language or "zh",
    )
    _tell(done)
    for line in steps.begin_campus(done.folder):
        click.echo(line)


@provision_group.command("labels")
@folder_argument
@click.argument("kiosks", nargs=-1, metavar="[KIOSK...]")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PDF.  [default: FOLDER/labels.pdf]",
)
@click.option("--url", help="Of the pages, as telephones reach it.  [default: as in the settings]")
def labels_command(folder: Path, kiosks: tuple[str, ...], to: Path | None, url: str | None) -> None:
    """A label to print for each kiosk: its name, its gate, a QR code of its page; no secret."""
    for line in steps.labels(folder.absolute(), kiosks, to or folder / "labels.pdf", url):
        click.echo(line)


@provision_group.command("renew")
@folder_argument
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--all-certificates", is_flag=True, help="Those, too, that are good for long.")
def renew_command(folder: Path, names: tuple[str, ...], all_certificates: bool) -> None:
    """Renew certificates near their end, and the passwords of NAMES: kiosks, or users of the broker
    (gateway, web, admin, homeassistant, collect).

    What runs takes them at once. A kiosk with a new password is shut out until its board has it.

    \b
      sudo fevergate provision renew /etc/fevergate             certificates, as each month
      sudo fevergate provision renew /etc/fevergate north-1     its password leaked
    """
    for line in steps.renew(folder.absolute(), names, everything=all_certificates):
        click.echo(line)


@provision_group.command("revoke")
@folder_argument
@click.argument("name")
@click.option("--because", default="", help="Kept in revoked.jsonl.")
def revoke_command(folder: Path, name: str, because: str) -> None:
    """Cut a kiosk off at once, wherever it is; in a campus server's FOLDER: a gateway.

    Its credential is gone for good: the broker ends its connection and this command sees to it that
    no other is let in. Its readings stay. The same name may be given anew: `provision kiosk`.
    """
    for line in steps.revoke(folder.absolute(), name, because):
        click.echo(line)


def _tell(done: Provisioned) -> None:
    for title, names in (("made", done.made), ("kept", done.kept)):
        if names:
            click.echo(f"{title}: {', '.join(names)}")


def _merged(pairs: tuple[tuple[str, list[str]], ...]) -> dict[str, list[str]]:
    """Join the values of a repeated option by name: a gate may be given once for each kiosk."""
    found: dict[str, list[str]] = {}
    for name, some in pairs:
        found.setdefault(name, []).extend(some)
    return found


def _wifi(ssid: str | None, ssid_hex: str | None, password_file: Path | None) -> dict[str, str]:
    """A board's Wi-Fi settings; empty where no option names a network. Raises `UsageError`."""
    if ssid and ssid_hex:
        raise click.UsageError("--wifi-ssid and --wifi-ssid-hex: expected one of them")
    if not ssid and not ssid_hex:
        if password_file:
            raise click.UsageError("--wifi-password-file: expected --wifi-ssid, too")
        return {} if ssid is None else {"wifi_ssid": ssid}
    name = {"wifi_ssid": ssid} if ssid else {"wifi_ssid": "", "wifi_ssid_hex": ssid_hex or ""}
    password = ask_secret(
        f"Password of {ssid or ssid_hex}",
        file=password_file,
        option="--wifi-password-file",
        variable=WIFI_PASSWORD,
    )
    return name | {"wifi_password": password}


def _over_usb(folder: Path, port: str, kiosk: str) -> None:
    from fevergate.kiosks.usb import write_settings

    def progress(name: str, at: int, size: int) -> None:
        if at == size:
            click.echo(f"{kiosk}: {name}, {size} bytes")

    about = write_settings(folder, kiosk, port, progress)
    click.echo(f"{kiosk}: written to {about} at {port}, which starts anew")
