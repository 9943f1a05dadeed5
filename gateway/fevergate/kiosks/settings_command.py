"""`fevergate settings`: changes kiosks' settings from the gateway and shows their answers."""

import time
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from fevergate.command_line.options import FiniteRange, card_options, settings_option
from fevergate.command_line.terminal import console, table
from fevergate.command_line.waiting import until
from fevergate.kiosks.remote_settings import (
    BASELINE_C,
    THRESHOLD_C,
    Answer,
    answers,
    current,
    set_values,
    values_of,
)
from fevergate.kiosks.setting_words import refusal_in_words, values_in_words
from fevergate.protocol.messages import KioskSettings, KioskValues
from fevergate.settings.gateway import load_gateway
from fevergate.settings.shell_completion import complete_kiosk
from fevergate.storage.connection import open_reader
from fevergate.texts.translations import LANGUAGES, N_, both, side_by_side, translator
from kiosk.estimate import SITES

ANSWER_S = 15
"""How long the command waits for the kiosks' answers."""


@click.command("settings")
@click.argument("kiosks", nargs=-1, metavar="KIOSK...", shell_complete=complete_kiosk)
@click.option(
    "--threshold", "threshold_c", type=FiniteRange(*THRESHOLD_C), help="Threshold, °C (axillary)."
)
@click.option(
    "--site", type=click.Choice(sorted(SITES)), help="Part of the face that the sensor sees."
)
@click.option(
    "--confirm-scans", type=click.IntRange(0, 3), help="Scans that confirm a first fever."
)
@click.option(
    "--baseline",
    type=click.Choice(["auto", "fixed", "off"]),
    help="Baseline: follow the crowd, fixed, or off.",
)
@click.option("--baseline-c", type=FiniteRange(*BASELINE_C), help="Fixed baseline, °C.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Language of the display.")
@click.option("--volume", type=click.IntRange(0, 100), help="Volume of the beeper, %.")
@click.option("--brightness", type=click.IntRange(1, 100), help="Brightness, %.")
@click.option("--quiet", help="Quiet hours of the beeper, HH:MM-HH:MM, or off.")
@click.option(
    "--notice",
    help="Notice on the idle display: up to 8 Chinese characters or 16 letters; '' removes it.",
)
@card_options
@click.option("--reset", is_flag=True, help="First go back to each kiosk's own settings.json.")
@settings_option("gateway.toml")
def settings_command(
    kiosks: tuple[str, ...],
    reset: bool,
    settings_path: Path,
    **values: Any,
) -> None:
    """Change settings of KIOSKs from the gateway (all kiosks if none is named), and show the
    answers.

    Only the settings whose options are given change. A kiosk checks the values, keeps them through
    power cuts, and answers with its settings or with what is wrong. A kiosk that is offline gets
    the values when it is online again. This command cannot change a kiosk's name, broker or
    secrets. Without options, it shows the settings in force. A lamp post takes only --volume and
    --quiet, for its siren.

    \b
      fevergate settings                                   what is in force
      fevergate settings --threshold 37.2 --quiet 22:00-06:30
      fevergate settings north-1 --language en --volume 40
      fevergate settings --notice 今日考场请走东门
      fevergate settings --card permit --card-reader line
    """
    settings = load_gateway(settings_path).as_user("admin")
    settings.expect_devices(*kiosks)
    names = kiosks or settings.kiosks
    new = values_of(values)
    with open_reader(settings.path(settings.database)) as database:
        if reset or new != KioskValues():
            began = time.time()
            settings_of_kiosk = {
                kiosk: set_values(settings, database, kiosk, new, reset=reset) for kiosk in names
            }

            def answered() -> bool | None:
                last = answers(database)
                return (
                    all(last.get(kiosk, Answer()).answered_at >= began for kiosk in names) or None
                )

            until(answered, ANSWER_S)
        else:
            settings_of_kiosk = {kiosk: current(settings, kiosk) for kiosk in names}
        last = answers(database)
    titles = (N_("kiosk"), N_("set from here"), N_("state"))
    rows = [_row(kiosk, settings_of_kiosk[kiosk], last.get(kiosk, Answer())) for kiosk in names]
    console().print(table(map(side_by_side, titles), rows))


def _row(kiosk: str, present: KioskSettings, answer: Answer) -> tuple[str, str, Text]:
    """Row of the table: the kiosk, what is set for it from here, and whether that is in force."""
    in_both = (values_in_words(present.values, translator(language)) for language in LANGUAGES)
    text = "\n".join(map(" · ".join, zip(*in_both, strict=True)))
    if answer.error:
        chinese, english = (
            refusal_in_words(answer.error, translator(language)) for language in LANGUAGES
        )
        refused = both("refused: {error}", error=(chinese, english))
        state = Text("\n".join(refused), "bold red")
    elif answer.version >= present.version:
        state = Text(side_by_side("in force"), "green")
    else:
        state = Text(side_by_side("waits for the kiosk"), "yellow")
    return kiosk, text or "-", state
