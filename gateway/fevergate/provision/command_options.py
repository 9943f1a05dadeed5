"""Options and arguments that several commands of `fevergate provision` take, and what they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fevergate.command_line.options import FiniteRange, card_options
from fevergate.command_line.secret_input import ask_secret
from fevergate.texts.translations import N_, side_by_side
from kiosk.estimate import SITES

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
language_option = click.option("--language", type=click.Choice(["zh", "en"]))
WIFI_PASSWORD = "FEVERGATE_WIFI_PASSWORD"  # noqa: S105 - a variable's name


def network_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for any board's settings, which `board_values` reads."""
    options = (
        language_option,
        click.option(
            "--wifi-ssid", help="Name of the boards' Wi-Fi; the command asks for its password."
        ),
        click.option(
            "--wifi-ssid-hex",
            help="The same as hexadecimal bytes, for a name that is not UTF-8: d0a3d4b0.",
        ),
        click.option(
            "--wifi-password-file",
            type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            help="File with the Wi-Fi's password in its first line, or - for standard input."
            f"  [default: ${WIFI_PASSWORD}, or the command asks]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def board_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `network_options` and those of a kiosk's sensor and card reader."""
    options = (
        click.option(
            "--site",
            type=click.Choice(sorted(SITES)),
            help="Part of the face that is measured: canthus, an eye's inner corner; face_max, the"
            " hottest spot while the face moves, which finds that corner in twice as many people;"
            " or forehead, which misses one fever in five.  [first kiosk: face_max]",
        ),
        click.option(
            "--threshold",
            "threshold_c",
            type=FiniteRange(35, 40),
            help="Fever threshold, axillary, in °C.",
        ),
        card_options,
        network_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


def cable_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--static` and `--port`."""
    static = click.option(
        "--static", help="Static address as ADDRESS,NETMASK,ROUTER[,NAME SERVER], or dhcp."
    )
    port = click.option("--port", help="Write the settings onto the board at this serial port.")
    return static(port(command))


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


def merged(pairs: tuple[tuple[str, list[str]], ...]) -> dict[str, list[str]]:
    """Join the values of a repeated option by name: a gate may be given once for each kiosk."""
    merged: dict[str, list[str]] = {}
    for name, values in pairs:
        merged.setdefault(name, []).extend(values)
    return merged


FOREHEAD = N_(
    "The centre of a forehead misses about one fever in five, an eye's inner corner or a whole face"
    " one in thirty: measure there only if nothing else can be had."
)


def board_values(options: dict[str, Any]) -> dict[str, Any]:
    """A command's options, with the Wi-Fi's password added if they name a network. Raises
    `UsageError`."""
    password_file = options.pop("wifi_password_file")
    ssid, ssid_hex = options["wifi_ssid"], options["wifi_ssid_hex"]
    if ssid and ssid_hex:
        raise click.UsageError("--wifi-ssid and --wifi-ssid-hex: expected one of them")
    if ssid or ssid_hex:
        options["wifi_ssid"] = ssid or ""
        options["wifi_password"] = ask_secret(
            f"Password of {ssid or ssid_hex}",
            file=password_file,
            option="--wifi-password-file",
            variable=WIFI_PASSWORD,
        )
    elif password_file:
        raise click.UsageError("--wifi-password-file: expected --wifi-ssid, too")
    if options.get("card_base"):
        options["card_base"] = int(options["card_base"])
    if options.get("site") == "forehead":
        click.echo(side_by_side(FOREHEAD), err=True)
    return options
