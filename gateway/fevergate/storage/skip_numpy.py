"""Importing it keeps out of this process what sqlite-utils would load only because it is there.

It looks for numpy and pandas, so as to know their types, which no gateway has: 15 MB that a
Raspberry Pi need not hold for a term. Before the first import of `sqlite_utils`.
"""

from __future__ import annotations

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)
for _name in ("numpy", "pandas"):
    # None makes an import fail: Python's reference, "The module cache".
    _modules.setdefault(_name, None)
