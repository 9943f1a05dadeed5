"""Each generated file in `hardware/` equals what its sources give; one that does not is named."""

import io
import os
import subprocess
import sys

import pytest
import real_micropython
from PIL import Image, ImageDraw

from hardware_build import generate, pictures
from hardware_build.table import HARDWARE

ROOT = real_micropython.ROOT


@pytest.fixture(scope="module")
def built():
    return generate.build()


def test_every_generated_file_equals_what_its_sources_give(built):
    assert generate.stale(built) == []
    assert len(built) == 138


def test_texts_are_equal_to_the_byte(built):
    for path, content in built.items():
        if path.suffix in (".md", ".gv", ".net"):
            assert path.read_bytes() == content, path


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("wiring/kiosk.svg", b"0.2 m", b"0.16 m"),
        ("wiring/kiosk.gv", b"0.2 m", b"0.16 m"),
        ("circuit/carrier.net", b"3.9 k", b"3.3 k"),
        ("parts.md", b"CNY", b"EUR"),
    ],
)
def test_a_change_by_hand_is_told(built, name, old, new):
    path = HARDWARE / name
    assert old in built[path]
    changed = generate.stale(built | {path: built[path].replace(old, new, 1)})
    assert len(changed) == 1 and changed[0].startswith(f"{name}: ")


def test_a_changed_housing_is_told(built):
    back = HARDWARE / "enclosure/back.stl"
    changed = built | {back: built[HARDWARE / "enclosure/wedge.stl"]}
    assert any(line.startswith("enclosure/back.stl: ") for line in generate.stale(changed))


def test_a_file_that_is_no_longer_built_is_named(built):
    remaining = {path: content for path, content in built.items() if path.name != "gate.net"}
    assert generate.stale(remaining) == ["circuit/gate.net: no longer built"]


def test_a_picture_of_something_else_is_told(built):
    content = built[HARDWARE / "pictures/enclosure.png"]
    image = Image.open(io.BytesIO(content)).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    assert pictures.same_picture(pictures.labelled(buffer.getvalue(), "x"), content) is not None
    digest = Image.open(io.BytesIO(content)).info["fevergate-source"]
    assert pictures.same_picture(pictures.labelled(buffer.getvalue(), digest), content) is None
    ImageDraw.Draw(image).rectangle((0, 0, 900, 700), fill="black")
    image.save(buffer := io.BytesIO(), format="png")
    assert "different" in str(
        pictures.same_picture(pictures.labelled(buffer.getvalue(), digest), content)
    )


def test_the_command_teaches_in_both_languages():
    result = subprocess.run(
        [sys.executable, "-m", "hardware_build", "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tools")},
        timeout=60,
    )
    assert result.returncode == 0 and "pins.toml" in result.stdout and "全部生成" in result.stdout
