"""Turns a module's private constants into MicroPython's `const()`, so that they take no memory.

A global takes a dict entry and an interned name, about 30 bytes of a board's heap. The compiler
replaces every use of a constant `_NAME = const(...)` by its value, and leaves its name out of the
.mpy file (docs.micropython.org, "MicroPython differences", `micropython.const`). It knows `const`
without an import, but CPython does not, so the sources say `_NAME = ...`.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

_PRIVATE = re.compile("_[A-Z][A-Z0-9_]*")
_PURE = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load)


def with_constants(source: bytes) -> bytes:
    """Put `const()` around the values of private names in capitals (`_NAME`) of a source.

    This is done only for numbers and arithmetic on them, strings, bytes and tuples of these, and
    only if the name is assigned once. A source that is not valid Python is returned unchanged: the
    compiler will report the error.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    lines = source.splitlines(keepends=True)
    for value in _values(tree):
        if value.end_lineno is None or value.end_col_offset is None:
            continue
        if not lines[value.lineno - 1][: value.col_offset].endswith(b"= "):
            continue  # a value in parentheses, where the compiler does not look for `const`
        _insert(lines, value.end_lineno - 1, value.end_col_offset, b")")
        _insert(lines, value.lineno - 1, value.col_offset, b"const(")
    return b"".join(lines)


def _insert(lines: list[bytes], index: int, column: int, piece: bytes) -> None:
    lines[index] = lines[index][:column] + piece + lines[index][column:]


def _values(tree: ast.Module) -> Iterator[ast.expr]:
    stored = Counter(
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if _PRIVATE.fullmatch(name) and stored[name] == 1 and _is_pure(value):
                    yield value


def _is_pure(value: ast.expr) -> bool:
    return all(isinstance(node, _PURE) for node in ast.walk(value))
