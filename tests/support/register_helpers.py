"""A visitor, and forms of registers as a page has them."""

import re

import real_micropython

HANDBOOK = real_micropython.ROOT / "gateway/running.md"
_BLOCK = re.search(r"```toml\n(\[thermometers\].*?)```", HANDBOOK.read_text("utf-8"), re.DOTALL)
assert _BLOCK
LOAN = "\n" + _BLOCK[1]
"""A fifth register, as the handbook shows it."""

VISITOR = {"name": "王小明", "phone": "13800000001", "whom": "Chen Jing", "unit": "送货"}


def hidden(client, path, name):
    """The value of a hidden field of a page."""
    values = re.findall(rf'name="{name}" value="([^"]*)"', client.get(path).text)
    return values[-1]
