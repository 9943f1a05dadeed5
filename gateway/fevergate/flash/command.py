"""`fevergate flash`: installs all that a bare board needs to be a kiosk or lamp post; tests it."""

from pathlib import Path
from typing import Any

import click
import msgspec

from fevergate.command_line.finding import fails
from fevergate.command_line.options import spoken_option
from fevergate.errors import BoardRefusedError
from fevergate.flash.loader import BAUD
from fevergate.flash.steps import Steps
from fevergate.kiosks.boards import BOARDS


@click.command("flash")
@click.option("--port", required=True, help="Serial port of the board, such as /dev/ttyUSB0.")
@click.option(
    "--board",
    type=click.Choice(sorted(BOARDS)),
    help="Model of the board.  [default: the model with the chip that answers]",
)
@click.option(
    "--micropython",
    "image_path",
    type=click.Path(path_type=Path),
    help="MicroPython image (.bin) for this board.  [default: the image used last]",
)
@click.option(
    "--sha256", help="Expected SHA-256 of the image.  [default: as in the image's .sha256 file]"
)
@click.option(
    "--keep-micropython", is_flag=True, help="Do not write MicroPython: the board has it already."
)
@click.option(
    "--firmware",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the firmware.  [default: the firmware that came with fevergate]",
)
@click.option(
    "--sources", is_flag=True, help="Write the source files, too, into /sources on the board."
)
@click.option(
    "--settings-from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that `fevergate provision gateway` made; needs --kiosk, whose settings it holds.",
)
@click.option("--kiosk", help="Name of the kiosk or lamp post whose settings to write.")
@click.option("--self-test-only", is_flag=True, help="Only test the board; write nothing.")
@click.option(
    "--unattended", is_flag=True, help="Ask nothing that only a person at the board can answer."
)
@click.option(
    "--baud",
    type=click.IntRange(9600, 3_000_000),
    default=BAUD,
    show_default=True,
    help="Baud rate while MicroPython is written; choose less for a poor cable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@spoken_option
@click.pass_context
def flash_command(context: click.Context, **values: Any) -> None:
    """Make a bare ESP32 board a kiosk or lamp post: MicroPython, firmware, settings, self-test.

    The command first reads which chip the board has. It refuses an image for another chip, and a
    board without PSRAM, which has too little memory. Files that the board already has are not
    written again, and the readings stored on it stay. Firmware that the board received over the air
    is replaced. If the cable is pulled, run the command again.

    \b
      fevergate flash --port /dev/ttyUSB0 --micropython ESP32_GENERIC_S3-v1.28.0.bin \\
          --settings-from /etc/fevergate --kiosk north-1
      fevergate flash --port /dev/ttyUSB0 --settings-from /etc/fevergate --kiosk north-post
      fevergate flash --port /dev/ttyUSB0                  next board, with the same image
      fevergate flash --port /dev/ttyUSB0 --self-test-only

    The self-test measures the memory, scans the I2C bus, reads the sensor, lights each LED and asks
    whether you saw it, joins the Wi-Fi and signs in to the broker. It does not move the door. On a
    lamp post, it tests lamps, siren and button instead of sensor, display and LEDs.

    Exit code 1: a test failed.
    """
    steps = Steps(**values)
    try:
        results = steps.run()
    except BoardRefusedError as error:
        results = [fails("board", error.text, error.advice)]
        steps.shown.result(results[0])
    steps.report["results"] = [msgspec.to_builtins(result) for result in results]
    steps.report["ok"] = passed = all(result.state != "fails" for result in results)
    if steps.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(steps.report), indent=1).decode())
    if not passed:
        context.exit(1)
