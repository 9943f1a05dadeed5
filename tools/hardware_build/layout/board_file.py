"""Reads KiCad's files (netlist, board) as text: nested lists in parentheses."""

import re
from collections.abc import Iterator
from typing import Any

from hardware_build.errors import HardwareError

_TOKEN = re.compile(r'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"]+))')


def parsed(text: str, name: str) -> list[Any]:
    """The file as nested lists of words. Raises `HardwareError` naming the line."""
    stack: list[list[Any]] = [[]]
    place, end = 0, len(text.rstrip())
    while place < end:
        token = _TOKEN.match(text, place)
        if token is None or (token[1] == ")" and len(stack) == 1):
            line = text.count("\n", 0, place) + 1
            raise HardwareError(f"{name}, line {line}: expected words in matching parentheses")
        place = token.end()
        if token[1] == "(":
            stack.append([])
        elif token[1] == ")":
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(token[3] if token[2] is None else token[2].replace('\\"', '"'))
    if len(stack) != 1 or len(stack[0]) != 1:
        raise HardwareError(f"{name}: expected one list in matching parentheses")
    return stack[0][0]


def each(node: list[Any], key: str) -> Iterator[list[Any]]:
    """The lists within `node` that begin with `key`."""
    return (item for item in node if isinstance(item, list) and item and item[0] == key)


def only(node: list[Any], *keys: str) -> list[Any]:
    """The first list that `keys` lead to, one level for each key. Raises `HardwareError`."""
    for key in keys:
        child = next(each(node, key), None)
        if child is None:
            raise HardwareError(f"({node[0]} …): expected ({key} …) in it")
        node = child
    return node
