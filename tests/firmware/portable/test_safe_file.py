"""Values on flash that outlive a power cut."""

import os

from kiosk.safe_file import SafeFile

PATH = "slots-test"


def fresh():
    for name in (PATH + ".a", PATH + ".b"):
        if name in os.listdir():
            os.remove(name)
    return SafeFile(PATH)


def test_a_file_to_which_nothing_was_written_reads_as_none():
    assert fresh().read() is None


def test_the_value_written_last_is_read():
    slots = fresh()
    for number in range(5):
        slots.write({"number": number, "text": "正常"})
        assert SafeFile(PATH).read() == {"number": number, "text": "正常"}


def test_a_write_that_is_torn_anywhere_leaves_the_value_before():
    slots = fresh()
    slots.write("first")
    slots.write("second")  # in .b
    with open(PATH + ".b", "rb") as file:
        data = file.read()
    for length in range(len(data)):
        with open(PATH + ".b", "wb") as file:
            file.write(data[:length])
        assert SafeFile(PATH).read() == "first"
    slots.write("third")
    assert SafeFile(PATH).read() == "third"


def test_a_value_that_the_flash_corrupted_is_not_read():
    slots = fresh()
    slots.write({"a": 1})
    with open(PATH + ".a", "rb") as file:
        data = file.read()
    with open(PATH + ".a", "wb") as file:
        file.write(data.replace(b"1}", b"2}"))
    assert slots.read() is None
