"""tools/pi-check gives the kernel random numbers in the device tree, as a Pi's firmware does."""

import shutil
import subprocess

import pytest

from emulated_pi.device_tree import SEED_BYTES, add_seed
from emulated_pi.errors import PiCheckError

pytestmark = pytest.mark.skipif(not shutil.which("fdtput"), reason="no device-tree-compiler here")

SOURCE = '/dts-v1/; / { model = "a Pi"; chosen { bootargs = "quiet"; }; };'


def dtc(output, *arguments, text):
    return subprocess.run(
        ["dtc", "-q", "-O", output, *arguments], input=text, capture_output=True, check=True
    ).stdout


def test_the_kernel_gets_random_numbers_and_nothing_else_is_changed(tmp_path):
    seeds = set()
    for name in ("a", "b"):
        tree = tmp_path / name
        tree.write_bytes(dtc("dtb", text=SOURCE.encode()))
        before = dtc("dts", "-I", "dtb", text=tree.read_bytes()).decode()
        add_seed(tree)
        seed = subprocess.run(
            ["fdtget", "-t", "bx", tree, "/chosen", "rng-seed"], capture_output=True, text=True
        ).stdout.split()
        assert len(seed) == SEED_BYTES
        seeds.add(tuple(seed))
        after = dtc("dts", "-I", "dtb", text=tree.read_bytes()).decode().splitlines()
        assert [line for line in after if "rng-seed" not in line] == before.splitlines()
    assert len(seeds) == 2


@pytest.mark.parametrize("content", [b"MZ" + bytes(60), b"", None])
def test_what_is_no_device_tree_of_a_pi_is_an_error(tmp_path, content):
    tree = tmp_path / "pi.dtb"
    tree.write_bytes(dtc("dtb", text=b"/dts-v1/; / { soc { }; };") if content is None else content)
    with pytest.raises(PiCheckError, match=r"pi\.dtb: fdtput: .*"):
        add_seed(tree)
