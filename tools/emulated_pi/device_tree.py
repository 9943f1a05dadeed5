"""Adds a random seed to the device tree, as a Pi's firmware does and QEMU does not.

Without it, the kernel's random generator is not ready for minutes; until then each system call,
which moves its stack at random, waits for a lock that all processors share.
"""

from __future__ import annotations

import struct

from emulated_pi.errors import PiCheckError

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP = 1, 2, 3, 4
"""Tokens of the structure block (Devicetree Specification 0.4, 5.4)."""

SEED = b"rng-seed\0"
SEED_BYTES = 64


def with_seed(blob: bytes, seed: bytes) -> bytes:
    """A device tree (DTB) with the property `rng-seed` added to /chosen.

    Raises `PiCheckError` if it is not a device tree or has no /chosen.
    """
    try:
        header = list(struct.unpack_from(">10I", blob))
        magic, _, structure_at, strings_at, _, _, _, _, strings_size, structure_size = header
        if magic != MAGIC:
            raise PiCheckError(f"expected a device tree, it begins with {magic:#x}")
        structure = blob[structure_at : structure_at + structure_size]
        strings = blob[strings_at : strings_at + strings_size]
        at = _inside_chosen(structure)
    except struct.error as error:
        raise PiCheckError(f"the device tree is cut off: {error}") from error
    head = struct.pack(">3I", PROPERTY, len(seed), len(strings))
    structure = structure[:at] + head + seed + bytes(-len(seed) % 4) + structure[at:]
    strings += SEED
    # Header and memory reservation block stay in front; the other two blocks follow them.
    front = blob[: min(structure_at, strings_at)]
    header[1] = len(front) + len(structure) + len(strings)
    header[2], header[3] = len(front), len(front) + len(structure)
    header[8], header[9] = len(strings), len(structure)
    return struct.pack(">10I", *header) + front[40:] + structure + strings


def _inside_chosen(structure: bytes) -> int:
    """Offset of the first property of /chosen."""
    at = depth = 0
    while at < len(structure):
        (token,) = struct.unpack_from(">I", structure, at)
        at += 4
        if token == BEGIN_NODE:
            name = structure[at : structure.index(b"\0", at)]
            at += len(name) // 4 * 4 + 4
            depth += 1
            if depth == 2 and name == b"chosen":
                return at
        elif token == END_NODE:
            depth -= 1
        elif token == PROPERTY:
            (size,) = struct.unpack_from(">I", structure, at)
            at += 8 + (size + 3) // 4 * 4
        elif token != NOP:
            break
    raise PiCheckError("the device tree has no /chosen")
