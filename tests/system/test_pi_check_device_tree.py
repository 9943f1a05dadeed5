"""The random numbers that tools/pi-check gives the kernel, as a Pi's firmware does."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulated_pi.device_tree import with_seed
from emulated_pi.errors import PiCheckError

NAMES = st.text("abcdefg@0123456789", min_size=1, max_size=9)


LEAF = st.just({})


def trees(children=LEAF):
    """A node: its properties and its nodes."""
    return st.tuples(st.dictionaries(NAMES, st.binary(max_size=9), max_size=3), children)


CHOSEN = trees(st.dictionaries(NAMES, trees(), max_size=2))
ROOTS = st.tuples(
    st.dictionaries(NAMES, st.binary(max_size=9), max_size=3),
    st.tuples(
        st.dictionaries(NAMES, trees(st.dictionaries(st.just("chosen"), trees())), max_size=3),
        CHOSEN,
    ).map(lambda both: both[0] | {"chosen": both[1]}),
)


def encoded(root, reserved=b"\x07" * 16 + bytes(16), strings_first=False):
    """A DTB, version 17 (Devicetree Specification 0.4, chapter 5)."""
    strings = b""

    def padded(data):
        return data + bytes(-len(data) % 4)

    def node(name, tree):
        nonlocal strings
        out = struct.pack(">I", 1) + padded(name.encode() + b"\0")
        for key, value in tree[0].items():
            out += struct.pack(">4I", 4, 3, len(value), len(strings)) + padded(value)
            strings += key.encode() + b"\0"
        for key, child in tree[1].items():
            out += node(key, child)
        return out + struct.pack(">I", 2)

    structure = node("", root) + struct.pack(">I", 9)
    first, second = (strings, structure) if strings_first else (structure, strings)
    at = 40 + len(reserved), 40 + len(reserved) + len(first)
    structure_at, strings_at = reversed(at) if strings_first else at
    header = (0xD00DFEED, at[1] + len(second), structure_at, strings_at, 40, 17, 16, 0)
    sizes = (len(strings), len(structure))
    return struct.pack(">10I", *header, *sizes) + reserved + first + second


def decoded(blob):
    """The nodes of a DTB, as they went in."""
    _, size, structure_at, strings_at, reserved_at, *_ = struct.unpack_from(">10I", blob)
    assert size == len(blob) and blob[reserved_at : reserved_at + 16] == b"\x07" * 16
    at = structure_at

    def text(start):
        return blob[start : blob.index(b"\0", start)].decode()

    def word():
        nonlocal at
        at += 4
        return struct.unpack_from(">I", blob, at - 4)[0]

    def node():
        nonlocal at
        properties, nodes = {}, {}
        while (token := word()) != 2:
            if token == 1:
                name = text(at)
                at += len(name) // 4 * 4 + 4
                nodes[name] = node()
            elif token == 3:
                size, name_at = word(), word()
                properties[text(strings_at + name_at)] = blob[at : at + size]
                at += -(-size // 4) * 4
        return properties, nodes

    assert word() == 1 and word() == 0
    root = node()
    assert word() == 9
    return root


@given(ROOTS, st.binary(max_size=70), st.booleans())
def test_the_kernel_gets_random_numbers_and_nothing_else_is_changed(root, seed, strings_first):
    properties, nodes = root[1]["chosen"]
    chosen = (properties | {"rng-seed": seed}, nodes)
    blob = encoded(root, strings_first=strings_first)
    assert decoded(with_seed(blob, seed)) == (root[0], root[1] | {"chosen": chosen})


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"MZ" + bytes(60), "begins with 0x4d5a0000"),
        (encoded(({}, {"chosen": ({}, {})}))[:20], "cut off"),
        (encoded(({}, {"soc": ({}, {"chosen": ({}, {})})})), "no /chosen"),
    ],
)
def test_what_is_no_device_tree_of_a_pi_is_an_error(blob, words):
    with pytest.raises(PiCheckError, match=words):
        with_seed(blob, b"1234")
