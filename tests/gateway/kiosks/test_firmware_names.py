"""Names that a board need not keep are shortened, and nothing else of a module changes."""

import ast
import symtable
from pathlib import Path

import pytest

from fevergate.kiosks.firmware_names import (
    Function,
    derives_from_elsewhere,
    required,
    with_short_names,
)

KIOSK = Path(__file__).resolve().parents[3] / "firmware/kiosk"
MODULES = sorted(KIOSK.glob("*.py"))


def short(source):
    return with_short_names(source.encode()).decode()


def test_private_attributes_of_an_object_have_short_names_and_functions_their_own():
    source = (
        "class Lamp:\n"
        "    def __init__(self):\n"
        "        self._pin, self.lit = 4, self._is_lit()\n"
        "        self._count: int = 0\n"
        "    def _is_lit(self):\n"
        "        self._count += 1\n"
        "        return other._pin\n"
    )
    expected = source.replace("_count", "_0").replace("_pin", "_1")
    assert short(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "self._x = sys.implementation._mpy\nprint('_x')",  # may be asked for by its name
        "class A:\n    _x = 1\n    def f(self):\n        self._x = 2",
        "class A:\n    def f(self):\n        self._f = self.f",
        "class A:\n    def _f(self):\n        self._f = 2",
        "print(network._stations)",  # another module's attribute
        "def f(celsius=1, *, spare): return celsius",
        "def f(celsius): pass\nf(celsius=3)",
        "def f(celsius): return [celsius for celsius in range(3)]",
        "def f(celsius):\n    def g(celsius=2): return celsius\n    return g, celsius",
        "def f(celsius):\n    import celsius\n    return celsius",
        "def f(celsius):\n    import os as celsius\n    return celsius",
        "def f(\ufb01): return \ufb01",  # a ligature: Python knows the name as two letters
        "def f(celsius):\n    def g():\n        global celsius\n        return celsius",
        "def f(celsius):\n    try: pass\n    except OSError as celsius: pass",
        "class A(lamp.Lamp):\n    def f(self):\n        self._x = 2",
        "_0 = 3\nclass A:\n    def f(self, celsius):\n        self._x = celsius",
        "def f(:",
    ],
)
def test_what_somebody_else_may_ask_for_keeps_its_name(source):
    result = short(source)
    assert result.replace("self._0 = self.f", "self._f = self.f") == source


def test_parameters_have_short_names_wherever_the_function_uses_them():
    source = (
        "def mean(温, lows, weight=1):\n"
        "    lows = lows or [温]\n"
        "    return [sum(lows) * weight for 温度 in (lambda wide: wide)(温)]\n"
    )
    assert short(source) == (
        "def mean(_0, _1, weight=1):\n"
        "    _1 = _1 or [_0]\n"
        "    return [sum(_1) * weight for 温度 in (lambda _0: _0)(_0)]\n"
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_variable_of_the_firmware_is_still_the_same_one(path):
    source = path.read_text(encoding="utf-8")

    def shapes(text):
        rows = []
        scopes = [symtable.symtable(text, path.name, "exec")]
        while scopes:
            scope = scopes.pop()
            scopes += scope.get_children()
            outer = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
            counts = [
                (symbol.is_parameter(), symbol.is_free(), symbol.is_assigned())
                for symbol in scope.get_symbols()
            ]
            rows.append((scope.get_name(), outer, sorted(counts)))
        return rows

    assert shapes(short(source)) == shapes(source)


def test_the_firmware_gives_no_required_parameter_by_its_name():
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    own = {
        name: required(node)
        for node in nodes
        if isinstance(node, Function) and (name := getattr(node, "name", ""))
    }
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                    own[node.name] = required(part)
    assert len(own) > 300
    for node in nodes:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            by_name = {keyword.arg for keyword in node.keywords}
            assert not by_name & set(own.get(name, ())), ast.unparse(node)


def test_each_private_attribute_of_the_firmware_is_one_modules_alone():
    modules = {path: list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in MODULES}
    functions, stored, home = set(), {}, {}
    for path, nodes in modules.items():
        stored[path] = {attribute.attr for attribute in private(nodes, stored_only=True)}
        for node in nodes:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                functions.add(node.name)
            if isinstance(node, ast.ClassDef):
                home[node.name] = path
    for path, nodes in modules.items():
        for attribute in private(nodes):
            message = f"{path.name}: {ast.unparse(attribute)}"
            assert attribute.attr in stored[path] | functions, message
        if derives_from_elsewhere(nodes):
            for node in nodes:
                for base in node.bases if isinstance(node, ast.ClassDef) else ():
                    base_path = home.get(ast.unparse(base), path)
                    shared = stored[path] & stored[base_path] if base_path != path else set()
                    assert not shared, f"{path.name} and {base_path.name}: {shared}"


def private(nodes, stored_only=False):
    return [
        node
        for node in nodes
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and (isinstance(node.ctx, ast.Store) or not stored_only)
    ]
