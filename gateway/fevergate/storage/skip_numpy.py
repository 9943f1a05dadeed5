"""Keeps numpy and pandas out of the process, which saves 15 MB on a Raspberry Pi.

sqlite-utils imports them where they are installed, for types that the gateway does not use. Import
this module before the first import of `sqlite_utils`.
"""

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)
for _name in ("numpy", "pandas"):
    # None makes an import fail (Python reference, "The module cache").
    _modules.setdefault(_name, None)
