"""`fevergate flash`: a bare ESP32 becomes a kiosk, and says what works."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from fevergate.errors import FlashError
from fevergate.flash import image as micropython
from fevergate.flash import self_test
from fevergate.flash.cable import Cable
from fevergate.flash.files import Firmware, collect
from fevergate.flash.loader import BAUD, write_micropython
from fevergate.flash.self_test import Pair, Result
from fevergate.usb import kiosk_folder

_MARKS = {"ok": ("✓", "green"), "fails": ("✗", "bold red"), "not shown": ("–", "yellow")}
_STATES: dict[str, Pair] = {
    "ok": ("正常", "ok"),
    "fails": ("故障", "fails"),
    "not shown": ("未验证", "not shown"),
}


@click.command("flash")
@click.option("--port", required=True, help="The board's serial port, such as /dev/ttyUSB0.")
@click.option(
    "--micropython",
    "image_path",
    type=click.Path(path_type=Path),
    help="MicroPython's .bin for ESP32_GENERIC; else the one that was kept.",
)
@click.option("--sha256", help="What that file must be; else as in FILE.sha256 beside it.")
@click.option("--keep-micropython", is_flag=True, help="The board has it already.")
@click.option(
    "--firmware",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder such as firmware/, else the one that came with fevergate.",
)
@click.option(
    "--settings-from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A provisioned folder, with --kiosk.",
)
@click.option("--kiosk", help="Which of its kiosks the board shall be.")
@click.option("--self-test-only", is_flag=True, help="Write nothing.")
@click.option("--unattended", is_flag=True, help="Ask nobody whether LEDs light up.")
@click.option(
    "--baud",
    type=click.IntRange(9600, 3_000_000),
    default=BAUD,
    show_default=True,
    help="While MicroPython is written; less for a cable that does not bear it.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Chinese without it.")
@click.pass_context
def flash_command(
    context: click.Context,
    port: str,
    image_path: Path | None,
    sha256: str | None,
    keep_micropython: bool,
    firmware: Path | None,
    settings_from: Path | None,
    kiosk: str | None,
    self_test_only: bool,
    unattended: bool,
    baud: int,
    as_json: bool,
    language: str | None,
) -> None:
    """Make a kiosk of the ESP32 at --port: MicroPython, the firmware, settings; then test it.

    What lies on the board already is not written again, and the readings that it keeps stay. A
    cable that is pulled half-way is no harm: flash again. What came over the air before gives way
    to what comes by cable.

    \b
      fevergate flash --port /dev/ttyUSB0 --micropython ESP32_GENERIC-v1.28.0.bin \\
          --settings-from /etc/fevergate --kiosk north-1
      fevergate flash --port /dev/ttyUSB0                  the next board: MicroPython was kept
      fevergate flash --port /dev/ttyUSB0 --self-test-only

    The self-test scans the bus, reads the sensor, lights each LED and asks whether you saw it,
    joins the Wi-Fi and logs in at the broker. Exit code 1: something fails.
    """
    _check(image_path, sha256, keep_micropython, settings_from, kiosk, self_test_only)
    shown = _Shown(as_json, 1 if language == "en" else 0)
    report: dict[str, Any] = {"port": port}
    # All that can be wrong on this side is looked for before the board is touched.
    files = None if self_test_only else collect(firmware)
    image = None
    if not self_test_only and not keep_micropython:
        image = micropython.read(image_path, sha256) if image_path else micropython.cached()
    if settings_from and kiosk:
        kiosk_folder(settings_from, kiosk)
    if image:
        with shown.bar(("MicroPython", "MicroPython")) as bar:
            report["chip"] = write_micropython(port, image, bar.moved, baud)
        report["image"] = {"name": image.name, "sha256": image.sha256}
        shown.say(f"{report['chip']}: {image.name}")
        if image_path:
            shown.say(f"→ {micropython.keep(image)}")
    results = _over_repl(shown, report, port, files, (settings_from, kiosk), unattended)
    report["results"] = [msgspec.to_builtins(one) for one in results]
    report["ok"] = all(one.state != "fails" for one in results)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    if not report["ok"]:
        context.exit(1)


def _check(
    image_path: Path | None,
    sha256: str | None,
    keep_micropython: bool,
    settings_from: Path | None,
    kiosk: str | None,
    self_test_only: bool,
) -> None:
    """Options that contradict each other."""
    if sha256 and not image_path:
        raise click.UsageError("--sha256 goes with --micropython")
    if image_path and keep_micropython:
        raise click.UsageError("--micropython or --keep-micropython, not both")
    if (settings_from is None) != (kiosk is None):
        raise click.UsageError("--settings-from and --kiosk go together")
    if self_test_only and (image_path or kiosk):
        raise click.UsageError("--self-test-only writes nothing: neither image nor settings")


def _over_repl(
    shown: _Shown,
    report: dict[str, Any],
    port: str,
    files: Firmware | None,
    settings: tuple[Path | None, str | None],
    unattended: bool,
) -> list[Result]:
    """All that MicroPython is asked to do: files, settings, the self-test, the last reset."""
    with Cable(port) as cable:
        about = cable.take()
        report["board"] = {
            "machine": about.machine,
            "micropython": ".".join(map(str, about.version)),
        }
        shown.say(f"{about.machine}, MicroPython {report['board']['micropython']}")
        if files:
            with shown.bar(("固件", "firmware")) as bar:
                copied = cable.put(files, bar.file)
            report["firmware"] = {"version": files.version, **asdict(copied)}
            shown.tell(
                f"固件 {files.version}：写入 {copied.written}，未变 {copied.unchanged}",
                f"firmware {files.version}: {copied.written} files written, "
                f"{copied.unchanged} unchanged",
            )
        folder, kiosk = settings
        if folder and kiosk:
            cable.settings(folder, kiosk, lambda *_: None)
            report["kiosk"] = kiosk
            shown.tell(f"设置：{kiosk}", f"settings: {kiosk}")
        asks = not unattended and sys.stdin.isatty() and sys.stderr.isatty()
        results = []
        try:
            for one in self_test.run(cable, shown.ask if asks else lambda _: None):
                shown.result(one)
                results.append(one)
        except BaseException:
            with suppress(FlashError):
                cable.reset()  # the kiosk goes on, whatever became of its test
            raise
        cable.reset()
    return results


class _Bar:
    """One progress bar."""

    def __init__(self, name: str, say: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[file]}"),
            console=say,
            transient=True,
            disable=not say.is_terminal,
        )
        self._task: TaskID = self._bars.add_task(name, total=None, file="")

    def __enter__(self) -> _Bar:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def moved(self, at: int, size: int) -> None:
        self._bars.update(self._task, completed=at, total=size)

    def file(self, name: str, at: int, size: int) -> None:
        self._bars.update(self._task, completed=at, total=size, file=name)


class _Shown:
    """What a person reads; with --json all but the report is on standard error."""

    def __init__(self, as_json: bool, column: int) -> None:
        self._column = column
        self._say = Console(stderr=as_json, highlight=False)

    def say(self, text: str) -> None:
        self._say.print(text, markup=False, soft_wrap=True)

    def tell(self, *text: str) -> None:
        self.say(text[self._column])

    def bar(self, name: Pair) -> _Bar:
        return _Bar(name[self._column], self._say)

    def ask(self, question: Pair) -> bool:
        return click.confirm(question[self._column], err=True)

    def result(self, one: Result) -> None:
        mark, style = _MARKS[one.state]
        state = _STATES[one.state][self._column]
        self._say.print(f"[{style}]{mark} {state}[/] [bold]{one.check:<9}[/]", end=" ")
        self.say(one.text[self._column])
        if one.advice[self._column]:
            self.say(f"{'':4}→ {one.advice[self._column]}")
