"""The gateway, which runs for months in little memory, holds no library that only pages need."""

import subprocess
import sys

import pytest

from fevergate.crypto.field_encryption import Vault
from fevergate.people.card_list import CARD

PROGRAM = """
import sys
from fevergate.storage import skip_numpy
from fevergate.gateway import process
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("module", ["fevergate.people", "fevergate.web", "cryptography"])
def test_the_gateway_loads_neither_the_list_of_people_nor_what_encrypts_it(module):
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not [name for name in result.stdout.split() if f"{name}.".startswith(f"{module}.")]


WITH_CARDS = """
import sys
from pathlib import Path
from fevergate.gateway import process
from fevergate.crypto.field_encryption import Vault
from fevergate.people.card_list import CARD, CardList
vault = Vault(Path(sys.argv[1]) / "persons.key")
CardList(Path("people.db"), vault, 10, lambda: 0.0)
print(vault.tag(CARD, "305419896"), *sorted(sys.modules))
"""


def test_cards_are_found_without_what_encrypts_names(tmp_path):
    command = [sys.executable, "-c", WITH_CARDS, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not [name for name in result.stdout.split() if name.partition(".")[0] == "cryptography"]
    assert Vault(tmp_path / "persons.key").tag(CARD, "305419896") == result.stdout.split()[0]
