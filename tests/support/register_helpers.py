"""Helpers for tests of registers: a fifth register, a visitor, and a page's hidden fields."""

import re

import real_micropython

HANDBOOK = real_micropython.ROOT / "gateway/running.md"
_BLOCK = re.search(r"```toml\n(\[thermometers\].*?)```", HANDBOOK.read_text("utf-8"), re.DOTALL)
assert _BLOCK
LOAN = "\n" + _BLOCK[1]
"""The fifth register that the handbook shows as an example."""

VISITOR = {"name": "王小明", "phone": "13800000001", "whom": "Chen Jing", "unit": "送货"}


def hidden(client, path, name):
    """The value of a hidden field of a page."""
    values = re.findall(rf'name="{name}" value="([^"]*)"', client.get(path).text)
    return values[-1]
