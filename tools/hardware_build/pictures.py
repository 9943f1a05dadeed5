"""PNG pictures of few colours, in which the digest of their source is stored."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

_KEY = "fevergate-source"
_SMALL = (160, 120)


def labelled(png: bytes, digest: str) -> bytes:
    """A PNG reduced to 128 colours, with `digest` as a text chunk."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    note = PngInfo()
    note.add_text(_KEY, digest)
    out = io.BytesIO()
    image.save(out, format="png", pnginfo=note, optimize=True)
    return out.getvalue()


def same_picture(old: bytes, new: bytes) -> str | None:
    """How two PNGs differ, or None: by source, by more than 15 % in size, or to the eye."""
    try:
        first, second = Image.open(io.BytesIO(old)), Image.open(io.BytesIO(new))
        first.load()
    except (UnidentifiedImageError, OSError) as error:
        return str(error)
    if first.info.get(_KEY) != second.info.get(_KEY):
        return "was drawn from another source"
    for a, b in zip(first.size, second.size, strict=True):
        if abs(a - b) > 0.15 * b:
            return f"is {first.size[0]} x {first.size[1]}, not {second.size[0]} x {second.size[1]}"
    small = [
        np.asarray(image.convert("L").resize(_SMALL, Image.Resampling.BOX), float)
        for image in (first, second)
    ]
    apart = float(np.abs(small[0] - small[1]).mean())
    return None if apart < 12 else f"looks different ({apart:.0f} of 255)"
