"""Which functions of a board's modules the firmware uses, read out of its source."""

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
"""Those that the port writes itself, or that stand on what it writes."""

OBJECTS = frozenset(("select.poll", "socket.socket"))
"""What gives an object with functions of its own, though its name is not a class's."""


def uses(sources: Iterable[str]) -> set[str]:
    """`module.name` and `module.Class.name` of all that the sources touch of a board's modules.

    An object's class is known by the name that it was once given: after `self._wlan =
    network.WLAN(0)`, `wlan.status` is WLAN's in every file.
    """
    trees = [ast.parse(source) for source in sources]
    imports = [_imports(tree) for tree in trees]
    made: dict[str, str] = {}
    for tree, known in zip(trees, imports, strict=True):
        made |= _made(tree, known)
    found: set[str] = set()
    for tree, known in zip(trees, imports, strict=True):
        found.update(name for name in known.values() if "." in name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                base = _class_of(node.value, known) or made.get(_name(node.value))
                module = _module(node.value, known)
                if module or base:
                    found.add(f"{module or base}.{node.attr}")
    return found


def _imports(tree: ast.AST) -> dict[str, str]:
    """Local name: the module, or the module's member, that it stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {a.asname or a.name: a.name for a in node.names if a.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return known


def _module(node: ast.expr, known: dict[str, str]) -> str:
    """The module, or the class that was imported by name, whose member is taken."""
    return known.get(node.id, "") if isinstance(node, ast.Name) else ""


def _class_of(node: ast.expr, known: dict[str, str]) -> str:
    """The class of a call such as `machine.RTC()`; of either branch of a conditional."""
    if isinstance(node, ast.IfExp):
        return _class_of(node.body, known) or _class_of(node.orelse, known)
    if isinstance(node, ast.Subscript | ast.Await):
        return _class_of(node.value, known)
    if not isinstance(node, ast.Call):
        return ""
    called = node.func
    name = _module(called, known)
    if isinstance(called, ast.Attribute) and _module(called.value, known):
        name = f"{_module(called.value, known)}.{called.attr}"
    return name if name in OBJECTS or name.rpartition(".")[2][:1].isupper() else ""


def _made(tree: ast.AST, known: dict[str, str]) -> dict[str, str]:
    """Name without its underscores: the class of what was assigned to it."""
    made: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (kind := _class_of(node.value, known)):
            made |= {name: kind for target in node.targets if (name := _name(target))}
    return made


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lstrip("_")
