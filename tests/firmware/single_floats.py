"""Runs the firmware under CPython with a board's floats: results are rounded to 24 bits.

The ESP32 port has single floats (MICROPY_FLOAT_IMPL_FLOAT in ports/esp32/mpconfigport.h); the
interpreters of the tests have double floats. Modules are changed as they are imported: each float
constant, each operation and each result of a call goes through `_single`.

Arguments: firmware folder, folder of the portable tests, then one of their modules, or "-" and a
script with its arguments.
"""

import ast
import ctypes
import importlib.abc
import importlib.util
import operator
import sys
from pathlib import Path


def single(value):
    """A float as a board holds it; anything else as it is."""
    return ctypes.c_float(value).value if type(value) is float else value


_IN_PLACE = {
    "Add": operator.iadd,
    "Sub": operator.isub,
    "Mult": operator.imul,
    "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv,
    "Mod": operator.imod,
    "Pow": operator.ipow,
    "LShift": operator.ilshift,
    "RShift": operator.irshift,
    "BitOr": operator.ior,
    "BitXor": operator.ixor,
    "BitAnd": operator.iand,
}


def in_place(name, left, right):
    """The rounded result of `left += right` or another in-place operation."""
    return single(_IN_PLACE[name](left, right))


NAMES = {"_single": single, "_in_place": in_place}


def _rounded(node):
    call = ast.Call(ast.Name("_single", ast.Load()), [node], [])
    return ast.copy_location(call, node)


class _Rounding(ast.NodeTransformer):
    def visit_BinOp(self, node):
        return _rounded(self.generic_visit(node))

    def visit_Call(self, node):
        return _rounded(self.generic_visit(node))

    def visit_Constant(self, node):
        return _rounded(node) if isinstance(node.value, float) else node

    def visit_JoinedStr(self, node):
        return node

    def visit_AugAssign(self, node):
        """Turn `a += b` into `a = iadd(a, b)`. This evaluates the target twice, which has no side
        effect in the firmware."""
        self.generic_visit(node)
        target = ast.copy_location(ast.parse(ast.unparse(node.target), mode="eval").body, node)
        operation = ast.Constant(type(node.op).__name__)
        call = ast.Call(ast.Name("_in_place", ast.Load()), [operation, target, node.value], [])
        return ast.copy_location(ast.Assign([node.target], ast.copy_location(call, node)), node)


def compiled(path):
    """Compile a source file to code that rounds its floats."""
    tree = ast.fix_missing_locations(_Rounding().visit(ast.parse(path.read_text())))
    return compile(tree, str(path), "exec")


class _Loader(importlib.abc.Loader):
    def __init__(self, path):
        self._path = path

    def exec_module(self, module):
        module.__dict__.update(NAMES)
        exec(compiled(self._path), module.__dict__)  # noqa: S102


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of some folders before all other finders."""

    def __init__(self, *folders):
        self._folders = folders

    def find_spec(self, name, path, target=None):
        for folder in self._folders:
            place = folder / name.replace(".", "/")
            for file, inside in (
                (place / "__init__.py", [str(place)]),
                (Path(f"{place}.py"), None),
            ):
                if file.is_file():
                    return importlib.util.spec_from_file_location(
                        name, file, loader=_Loader(file), submodule_search_locations=inside
                    )
        return None


def main():
    firmware, tests = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path[:0] = [str(firmware), str(tests)]  # the code looks here for its files
    sys.meta_path.insert(0, _Finder(firmware, tests))
    if sys.argv[3] == "-":
        script = Path(sys.argv[4])
        sys.argv[:] = sys.argv[4:]
        exec(compiled(script), NAMES | {"__name__": "__main__"})  # noqa: S102
        return
    module = importlib.import_module(sys.argv[3])
    for name in sorted(vars(module)):
        if name.startswith("test_"):
            getattr(module, name)()
            print("passed", name)


if __name__ == "__main__":
    main()
