"""The steps of `fevergate flash`: MicroPython, firmware, settings, self-test."""

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import msgspec

from fevergate.command_line.finding import Finding
from fevergate.errors import FlashError
from fevergate.flash import image as micropython
from fevergate.flash import memory, self_test
from fevergate.flash.files import collect
from fevergate.flash.image import Image
from fevergate.flash.installation import install
from fevergate.flash.loader import opened
from fevergate.flash.models import chosen, refuse_memory
from fevergate.flash.output import FlashOutput
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel
from fevergate.kiosks.cable import BoardFile, Cable, settings_files
from fevergate.texts.translations import LANGUAGES, both

REBOOT_S = 20
"""Time (s) within which the port reappears after MicroPython was written."""


@dataclass(kw_only=True)
class Steps:
    """One run with the command's options, which its help describes; `report` records what the run
    did."""

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
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that contradict each other."""
        if self.sha256 and not self.image_path:
            raise click.UsageError("--sha256 goes with --micropython")
        if self.image_path and self.keep_micropython:
            raise click.UsageError("--micropython or --keep-micropython, not both")
        if (self.settings_from is None) != (self.kiosk is None):
            raise click.UsageError("--settings-from and --kiosk go together")
        if self.self_test_only and (self.image_path or self.kiosk or self.sources):
            raise click.UsageError("--self-test-only writes nothing: no image, sources or settings")
        self.shown = FlashOutput(self.as_json, LANGUAGES.index(self.language))
        self.report["port"] = self.port

    def run(self) -> list[Finding]:
        """Do everything that the options ask for; returns the results of the self-test.

        Files on this machine are checked before the board is touched. Raises `BoardRefusedError`,
        `FlashError`, `UpdateError`, `CompilerError`, `NothingFoundError`.
        """
        writes_image = not self.self_test_only and not self.keep_micropython
        model = BOARDS[self.board] if self.board else None
        image = self._image(model) if writes_image else None
        model = image.model if image else model
        if not self.self_test_only:
            collect(self.firmware, model or BOARDS[DEFAULT_BOARD], sources=self.sources)
        settings = []
        if self.settings_from and self.kiosk:
            settings = settings_files(self.settings_from, self.kiosk)
        if writes_image:
            model = self._write_image(image)
        with Cable(self.port, REBOOT_S if writes_image else 0) as cable:
            return self._over_cable(cable, model, settings)

    def _image(self, model: BoardModel | None) -> Image | None:
        """The image of --micropython, or else the cached image of --board; None if the chip will
        decide which cached image is used. Raises `FlashError`."""
        if self.image_path:
            return micropython.read(self.image_path, self.sha256, model)
        if model or not any(micropython.is_kept(board) for board in BOARDS.values()):
            return micropython.cached(model or BOARDS[DEFAULT_BOARD])
        return None

    def _write_image(self, image: Image | None) -> BoardModel:
        """Write MicroPython, if the chip is supported; returns the board's model."""
        with self.shown.bar(both("MicroPython")) as bar, opened(self.port, bar) as rom:
            model = chosen(self.board, rom.chip.name, self.port)
            refuse_memory(self.port, model.chip, rom.chip.psram)
            image = image or micropython.cached(model)
            if image.model.chip != rom.chip.name:
                raise FlashError(
                    f"{self.port}: {rom.chip.name} answers, {image.name} is for"
                    f" {image.model.chip}: take {model.image} from {micropython.page(model)}"
                )
            rom.write(image, self.baud)
        self.report["chip"] = rom.chip.description
        self.report["image"] = {"name": image.name, "sha256": image.sha256}
        self.shown.say(f"{model.title}, {rom.chip.description}: {image.name}")
        if self.image_path:
            self.shown.say(f"→ {micropython.keep(image)}")
        return model

    def _over_cable(
        self, cable: Cable, model: BoardModel | None, settings: list[BoardFile]
    ) -> list[Finding]:
        """All steps that use MicroPython: memory, files, settings, self-test, final reset."""
        about = cable.take()
        chip = memory.chip_of(about.machine)
        if chip and not self.self_test_only:
            model = chosen(self.board, chip, self.port)
        model = model or memory.model_of(about.machine)
        version = ".".join(map(str, about.version))
        self.report["board"] = {
            "name": model.name if model else "",
            "machine": about.machine,
            "micropython": version,
        }
        self.shown.say(f"{about.machine}, MicroPython {version}")
        measured = memory.measure(cable)
        self.report["memory"] = msgspec.to_builtins(measured)
        if not self.self_test_only:
            if not measured.enough:
                self.shown.result(refused := memory.finding(measured, model))
                cable.reset()
                return [refused]
            self._put(cable, model or BOARDS[DEFAULT_BOARD], settings)
        asks = not self.unattended and sys.stdin.isatty() and sys.stderr.isatty()
        results = []
        try:
            for result in self_test.run(cable, self.shown.ask if asks else lambda _: None, model):
                self.shown.result(result)
                results.append(result)
        except BaseException:
            with suppress(FlashError):
                cable.reset()  # the kiosk starts again even if its test was aborted
            raise
        cable.reset()
        return results

    def _put(self, cable: Cable, model: BoardModel, settings: list[BoardFile]) -> None:
        """Write firmware and settings onto the board."""
        files = collect(self.firmware, model, sources=self.sources)
        with self.shown.bar(both("firmware")) as bar:
            copied = install(cable, files, bar)
        self.report["firmware"] = {"version": files.version, **asdict(copied)}
        self.shown.tell(
            both(
                "firmware {version}: {written} files written, {unchanged} unchanged",
                version=files.version,
                written=copied.written,
                unchanged=copied.unchanged,
            ),
        )
        if settings:
            cable.write(settings, lambda *_: None)
            self.report["kiosk"] = self.kiosk
            self.shown.tell(both("settings: {kiosk}", kiosk=self.kiosk))
