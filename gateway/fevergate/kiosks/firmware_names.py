"""Shortens a module's private names before it is compiled, because a board stores every distinct
name.

A name takes its letters and 8 more bytes of a board's heap (py/qstr.c). No other module sees
private attributes (`self._x`) and parameters, so all classes and functions can share a few short
names: `imported_bytes` of `tools/measure heap` fell by 2.5 KB. Functions keep their names, because
a traceback shows them. An `AttributeError` on a board shows the short name.
"""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def with_short_names(source: bytes) -> bytes:
    """Give a module's private attributes, and parameters without a default, the names `_0`, `_1`, …

    An attribute is renamed if the module sets it as `self._x = …` and nothing else in the module (a
    function, a variable, a string) has its name. If a class derives from a class of another module,
    no attribute is renamed, because both would use the same short names. A parameter is renamed if
    no call within the module gives it by name; the firmware's other modules must not give it by
    name either. A source that is not valid Python, or that uses such short names itself, is
    returned unchanged.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    nodes = list(ast.walk(tree))
    if any(_is_short(name) for node in nodes for name in _names(node)):
        return source
    edits = {**_attributes(nodes), **_parameters(nodes)}
    lines = source.splitlines(keepends=True)
    for (line, column), (old, new) in sorted(edits.items(), reverse=True):
        text = lines[line - 1]
        end = column + len(old.encode())
        if text[column:end] != old.encode():
            return source  # the source has the name in another Unicode form
        lines[line - 1] = text[:column] + new.encode() + text[end:]
    return b"".join(lines)


def _is_short(name: str) -> bool:
    return name.startswith("_") and name[1:].isdigit()


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name


Edits = dict[tuple[int, int], tuple[str, str]]
"""Line (from 1) and column (bytes) of each name to replace, with the name and its replacement."""


def _attributes(nodes: list[ast.AST]) -> Edits:
    private = set()
    public = set()
    if derives_from_elsewhere(nodes):
        return {}
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                if name.startswith("_") and not name.startswith("__"):
                    private.add(name)
            case ast.Constant(value=str(text)):
                public.add(text)
            case _ if isinstance(node, _SCOPES):
                public.update(_names(node))
            case ast.Name(id=name):
                public.add(name)
    short = {name: f"_{number}" for number, name in enumerate(sorted(private - public))}
    return {
        (node.end_lineno or 0, (node.end_col_offset or 0) - len(node.attr.encode())): (
            node.attr,
            short[node.attr],
        )
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in short
    }


def derives_from_elsewhere(nodes: list[ast.AST]) -> bool:
    """Whether a class of a module derives from a class of another module, exceptions apart."""
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    names = {node.name for node in classes}
    bases = {ast.unparse(base) for node in classes for base in node.bases}
    return any(not name.endswith(("Error", "Exception")) for name in bases - names)


def _parameters(nodes: list[ast.AST]) -> Edits:
    by_name = {node.arg for node in nodes if isinstance(node, ast.keyword)}
    edits: Edits = {}
    for node in nodes:
        if isinstance(node, Function):
            for number, name in enumerate(required(node)):
                if name != "self" and name not in by_name:
                    edits.update(_within(node, name, f"_{number}"))
    return edits


def required(function: Function) -> list[str]:
    """Names of the parameters that have no default."""
    parameters = function.args.posonlyargs + function.args.args
    names = [parameter.arg for parameter in parameters]
    return names[: len(names) - len(function.args.defaults)]


def _within(function: Function, name: str, short: str) -> Edits:
    """Edits of a parameter and of all code that reads or sets it; none if an inner scope has a
    variable of that name."""
    body = function.body if isinstance(function.body, list) else [function.body]
    edits = {
        (parameter.lineno, parameter.col_offset): (name, short)
        for parameter in function.args.posonlyargs + function.args.args
        if parameter.arg == name
    }
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                return {}
            if isinstance(node, (*_SCOPES, *_COMPREHENSIONS)) and name in set(_bound(node)):
                return {}
            if isinstance(node, ast.ExceptHandler) and node.name == name:
                return {}
            if isinstance(node, (ast.Import, ast.ImportFrom)) and name in {
                alias.asname or alias.name.split(".")[0] for alias in node.names
            }:
                return {}
            if isinstance(node, ast.Name) and node.id == name:
                edits[node.lineno, node.col_offset] = (name, short)
    return edits


def _bound(scope: ast.AST) -> Iterator[str]:
    """Names that are bound within an inner scope, and the scope's own name."""
    for node in ast.walk(scope):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case _:
                if node is scope or isinstance(node, _SCOPES):
                    yield from _names(node) if isinstance(node, _SCOPES) else ()
