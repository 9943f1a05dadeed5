"""Makes a picture of both sides of a board, drawn by gerbv from its Gerber and drill files."""

import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hardware_build.drawing import FONT
from hardware_build.errors import HardwareError

_BOARD, _COPPER, _BARE, _WORDS, _HOLE = "#0a4a2a", "#1c7a46", "#d9b54a", "#ffffff", "#20242a"
_DPI = 320
_CAPTION_PX = 32
_SIDES = (
    ("parts' side 元件面", "F", ()),
    ("solder side, seen from behind 焊接面（从背面看）", "B", ("--mirror=Y",)),
)


def png(files: dict[str, bytes], name: str) -> bytes:
    """PNG of the front above the back, from the files of the board `name`. Raises
    `HardwareError`."""
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            Path(folder, file).write_bytes(content)
        sides = [_side(Path(folder, name), side, options) for _, side, options in _SIDES]
    high = _CAPTION_PX + sides[0].height
    image = Image.new("RGB", (sides[0].width, high * len(sides)), "white")
    pen = ImageDraw.Draw(image)
    for number, (side, (words, *_)) in enumerate(zip(sides, _SIDES, strict=True)):
        pen.text((20, number * high + 6), words, "black", ImageFont.truetype(FONT, 16))
        image.paste(side, (0, number * high + _CAPTION_PX))
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


def _side(board: Path, side: str, options: tuple[str, ...]) -> Image.Image:
    command = ["gerbv", "--export=png", "--output=/dev/stdout", f"--dpi={_DPI}", "--border=1"]
    command += ["--antialias", f"--background={_BOARD}", *options]
    for ending, colour in (
        ("PTH.drl", _HOLE),
        ("NPTH.drl", _HOLE),
        *([("F_Silkscreen.gbr", _WORDS)] if side == "F" else []),
        (f"{side}_Mask.gbr", _BARE),
        (f"{side}_Cu.gbr", _COPPER),
    ):
        command += [f"--foreground={colour}ff", f"{board}-{ending}"]
    try:
        drawn = subprocess.run(command, capture_output=True, check=True).stdout
        return Image.open(io.BytesIO(drawn)).convert("RGB")
    except (OSError, subprocess.CalledProcessError) as error:
        raise HardwareError(f"gerbv: {error}") from error
