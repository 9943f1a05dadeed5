"""The gateway, which runs for months in little memory, holds no library that only pages need."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from fevergate.storage import skip_numpy
from fevergate.gateway import process
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("module", ["fevergate.people", "fevergate.web", "cryptography"])
def test_the_gateway_loads_neither_the_list_of_people_nor_what_encrypts_it(module):
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not [name for name in done.stdout.split() if f"{name}.".startswith(f"{module}.")]
