"""Finds in the firmware's source which functions of a board's modules it uses."""

import ast
from collections.abc import Iterable

MODULES = frozenset(
    [
        "asyncio",
        "errno",
        "esp",
        "esp32",
        "framebuf",
        "gc",
        "machine",
        "micropython",
        "neopixel",
        "network",
        "os",
        "random",
        "select",
        "socket",
        "ssl",
        "sys",
        "time",
        "tls",
        "vfs",
    ]
)
"""Modules that MicroPython's port to the board implements, or that rest on what it implements."""

OBJECTS = frozenset(("select.poll", "socket.socket"))
"""Names that make an object with functions of its own but do not begin with a capital letter."""


def uses(sources: Iterable[str]) -> set[str]:
    """`module.name` or `module.Class.name` of each member of a board's modules that is used.

    The class of an object is known from the name to which it was assigned: after `self._wlan =
    network.WLAN(0)`, `wlan.status` is a member of WLAN in every file.
    """
    trees = [ast.parse(source) for source in sources]
    imports = [_imports(tree) for tree in trees]
    classes: dict[str, str] = {}
    for tree, names in zip(trees, imports, strict=True):
        classes |= _made(tree, names)
    members: set[str] = set()
    for tree, names in zip(trees, imports, strict=True):
        members.update(name for name in names.values() if "." in name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                base = _class_of(node.value, names) or classes.get(_name(node.value))
                module = _module(node.value, names)
                if module or base:
                    members.add(f"{module or base}.{node.attr}")
    return members


def _imports(tree: ast.AST) -> dict[str, str]:
    """For each local name, the module, or the member of a module, that it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or a.name: a.name for a in node.names if a.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _module(node: ast.expr, names: dict[str, str]) -> str:
    """The module, or the member of a module, for which a plain name stands; empty if for none."""
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def _class_of(node: ast.expr, names: dict[str, str]) -> str:
    """The class of what a call such as `machine.RTC()` returns, also in either branch of a
    conditional expression; empty if there is none."""
    if isinstance(node, ast.IfExp):
        return _class_of(node.body, names) or _class_of(node.orelse, names)
    if isinstance(node, ast.Subscript | ast.Await):
        return _class_of(node.value, names)
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    name = _module(function, names)
    if isinstance(function, ast.Attribute) and _module(function.value, names):
        name = f"{_module(function.value, names)}.{function.attr}"
    return name if name in OBJECTS or name.rpartition(".")[2][:1].isupper() else ""


def _made(tree: ast.AST, names: dict[str, str]) -> dict[str, str]:
    """For each name, without its leading underscores, the class of what was assigned to it."""
    classes: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (kind := _class_of(node.value, names)):
            classes |= {name: kind for target in node.targets if (name := _name(target))}
    return classes


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lstrip("_")
