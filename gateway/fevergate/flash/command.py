"""`fevergate flash`: installs all that a bare board needs to be a kiosk, and tests it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec

from fevergate.command_line.finding import Finding, fails
from fevergate.errors import BoardRefusedError, FlashError
from fevergate.flash import image as micropython
from fevergate.flash import memory, self_test
from fevergate.flash.files import collect
from fevergate.flash.image import Image
from fevergate.flash.installation import install
from fevergate.flash.loader import BAUD, opened
from fevergate.flash.models import chosen, refuse_memory
from fevergate.flash.shown import Shown
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel
from fevergate.kiosks.cable import Cable, settings_files
from fevergate.texts.translations import LANGUAGES, both

REBOOT_S = 20
"""Time (s) within which the port reappears after MicroPython was written."""


class Options(msgspec.Struct, kw_only=True):
    """The command's options, which its help describes."""

    port: str
    board: str | None
    image_path: Path | None
    sha256: str | None
    keep_micropython: bool
    firmware: Path | None
    sources: bool
    settings_from: Path | None
    kiosk: str | None
    self_test_only: bool
    unattended: bool
    baud: int
    as_json: bool
    language: str

    @property
    def writes_image(self) -> bool:
        return not self.self_test_only and not self.keep_micropython

    @property
    def named(self) -> BoardModel | None:
        return BOARDS[self.board] if self.board else None


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
    help="MicroPython image (.bin) for this board.  [default: the image of the last time]",
)
@click.option(
    "--sha256", help="Expected SHA-256 of the image.  [default: as in FILE.sha256 beside it]"
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
    help="Folder of `fevergate provision gateway` with the kiosk's settings; requires --kiosk.",
)
@click.option("--kiosk", help="Name of the kiosk whose settings to write.")
@click.option("--self-test-only", is_flag=True, help="Only test the board; write nothing.")
@click.option(
    "--unattended", is_flag=True, help="Do not ask whether LEDs, display and beeper work."
)
@click.option(
    "--baud",
    type=click.IntRange(9600, 3_000_000),
    default=BAUD,
    show_default=True,
    help="Baud rate while MicroPython is written; choose less for a poor cable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="zh",
    show_default=True,
    help="Language of the output.",
)
@click.pass_context
def flash_command(context: click.Context, **values: Any) -> None:
    """Turn a bare ESP32 board into a kiosk: write MicroPython, firmware and settings, then test it.

    The chip is read first. An image for another chip is refused, and so is a board without PSRAM,
    which has too little memory for a kiosk. Files that the board already has are not written again,
    and the readings stored on it stay. If the cable is pulled, run the command again. Firmware that
    the board received over the air is replaced.

    \b
      fevergate flash --port /dev/ttyUSB0 --micropython ESP32_GENERIC_S3-v1.28.0.bin \\
          --settings-from /etc/fevergate --kiosk north-1
      fevergate flash --port /dev/ttyUSB0                  next board, with the same image
      fevergate flash --port /dev/ttyUSB0 --self-test-only

    The self-test measures the memory, scans the I2C bus, reads the sensor, lights each LED and asks
    whether you saw it, joins the Wi-Fi and signs in to the broker. It does not move the door.

    Exit code 1: a test failed.
    """
    options = Options(**values)
    _check(options)
    shown = Shown(options.as_json, LANGUAGES.index(options.language))
    report: dict[str, Any] = {"port": options.port}
    # Files on this machine are checked before the board is touched.
    model = options.named
    image = None
    if options.writes_image:
        image = _image(options)
        model = image.model if image else model
    if not options.self_test_only:
        collect(options.firmware, model or BOARDS[DEFAULT_BOARD], sources=options.sources)
    if options.settings_from and options.kiosk:
        settings_files(options.settings_from, options.kiosk)
    try:
        if options.writes_image:
            model = _write_image(shown, report, options, image)
        results = _over_repl(shown, report, options, model)
    except BoardRefusedError as error:
        results = [fails("board", error.text, error.advice)]
        shown.result(results[0])
    report["results"] = [msgspec.to_builtins(result) for result in results]
    report["ok"] = all(result.state != "fails" for result in results)
    if options.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    if not report["ok"]:
        context.exit(1)


def _check(options: Options) -> None:
    """Raise `UsageError` for options that contradict each other."""
    if options.sha256 and not options.image_path:
        raise click.UsageError("--sha256 goes with --micropython")
    if options.image_path and options.keep_micropython:
        raise click.UsageError("--micropython or --keep-micropython, not both")
    if (options.settings_from is None) != (options.kiosk is None):
        raise click.UsageError("--settings-from and --kiosk go together")
    if options.self_test_only and (options.image_path or options.kiosk or options.sources):
        raise click.UsageError("--self-test-only writes nothing: no image, sources or settings")


def _image(options: Options) -> Image | None:
    """The image of --micropython, else the cached one of --board; None if the chip is to decide
    among the cached ones. Raises `FlashError`."""
    if options.image_path:
        return micropython.read(options.image_path, options.sha256, options.named)
    if options.named or not any(micropython.is_kept(model) for model in BOARDS.values()):
        return micropython.cached(options.named or BOARDS[DEFAULT_BOARD])
    return None


def _write_image(
    shown: Shown, report: dict[str, Any], options: Options, image: Image | None
) -> BoardModel:
    """Write MicroPython, if the chip is supported; returns the board's model."""
    port = options.port
    with shown.bar(both("MicroPython")) as bar, opened(port, bar) as rom:
        model = chosen(options.board, rom.chip.name, port)
        refuse_memory(port, model.chip, rom.chip.psram)
        image = image or micropython.cached(model)
        if image.model.chip != rom.chip.name:
            raise FlashError(
                f"{port}: {rom.chip.name} answers, {image.name} is for {image.model.chip}: take "
                f"{model.image} from {micropython.page(model)}"
            )
        rom.write(image, options.baud)
    report["chip"] = rom.chip.description
    report["image"] = {"name": image.name, "sha256": image.sha256}
    shown.say(f"{model.title}, {rom.chip.description}: {image.name}")
    if options.image_path:
        shown.say(f"→ {micropython.keep(image)}")
    return model


def _over_repl(
    shown: Shown, report: dict[str, Any], options: Options, model: BoardModel | None
) -> list[Finding]:
    """All steps by MicroPython: memory check, files, settings, self-test, final reset."""
    with Cable(options.port, REBOOT_S if options.writes_image else 0) as cable:
        about = cable.take()
        chip = memory.chip_of(about.machine)
        if chip and not options.self_test_only:
            model = chosen(options.board, chip, options.port)
        model = model or memory.model_of(about.machine)
        report["board"] = {
            "name": model.name if model else "",
            "machine": about.machine,
            "micropython": ".".join(map(str, about.version)),
        }
        shown.say(f"{about.machine}, MicroPython {report['board']['micropython']}")
        measured = memory.measure(cable)
        report["memory"] = msgspec.to_builtins(measured)
        if not measured.enough and not options.self_test_only:
            shown.result(refused := memory.finding(measured, model))
            cable.reset()
            return [refused]
        if not options.self_test_only:
            _put(shown, report, options, cable, model or BOARDS[DEFAULT_BOARD])
        asks = not options.unattended and sys.stdin.isatty() and sys.stderr.isatty()
        results = []
        try:
            for result in self_test.run(cable, shown.ask if asks else lambda _: None, model):
                shown.result(result)
                results.append(result)
        except BaseException:
            with suppress(FlashError):
                cable.reset()  # the kiosk starts again even if its test was aborted
            raise
        cable.reset()
    return results


def _put(
    shown: Shown, report: dict[str, Any], options: Options, cable: Cable, model: BoardModel
) -> None:
    """Write firmware and settings onto the board."""
    files = collect(options.firmware, model, sources=options.sources)
    with shown.bar(both("firmware")) as bar:
        copied = install(cable, files, bar)
    report["firmware"] = {"version": files.version, **asdict(copied)}
    shown.tell(
        both(
            "firmware {version}: {written} files written, {unchanged} unchanged",
            version=files.version,
            written=copied.written,
            unchanged=copied.unchanged,
        ),
    )
    if options.settings_from and options.kiosk:
        cable.write(settings_files(options.settings_from, options.kiosk), lambda *_: None)
        report["kiosk"] = options.kiosk
        shown.tell(both("settings: {kiosk}", kiosk=options.kiosk))
