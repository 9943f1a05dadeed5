"""Starts the board's files as an ESP32 does: boot.py, then main.py, from its flash folder.

Runs under MicroPython, with arguments: port of the world, speed in thousandths, flash folder,
and JSON with `cause`, `unique_id` (hex), `clock_set`, `boot_utc` (None: the host's date),
`rtc_ahead_ms` (None: not set since power-on), `psram_bytes` and `gauge_every` (0: the heap is not
measured, see gauge.py). The exit code is 1 after an uncaught exception, and 70 if the connection to
the world is lost.
"""

import sys

# The script's folder is first on the path, so these are the simulator's modules, not built-in ones.
import clock
import esp32
import machine
import network
import sockets
import ssl_of_board
import wire

BOOT_FILES = ("/boot.py", "/main.py")


def mount(flash):
    """Make the flash folder the root of the file system."""
    import os

    import vfs

    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(flash), "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]


def prepare(port, permille, flash, about):
    """Connect to the world and replace the modules that a board has built in."""
    clock.start(permille, about["clock_set"], about["boot_utc"], about["rtc_ahead_ms"])
    wire.connect(port, clock.boot_ms)
    machine._start(about["cause"], bytes.fromhex(about["unique_id"]))
    esp32._start(about["psram_bytes"])
    if about["gauge_every"]:
        import gauge

        gauge.start(about["gauge_every"])
    for name in ("clock", "sockets", "ssl_of_board", "uart", "wire"):
        del sys.modules[name]  # the firmware may have modules with these names
    sys.modules["time"] = sys.modules["utime"] = clock
    sys.modules["machine"] = machine
    sys.modules["network"] = network
    sys.modules["socket"] = sockets
    sys.modules["esp32"] = esp32
    sys.modules["ssl"] = ssl_of_board
    mount(flash)
    import asyncio.core

    if permille != 1000:
        clock.scale(asyncio.core.IOQueue)


def execute(path):
    """Run a file of the flash as a script; returns whether it ended without an exception."""
    try:
        with open(path) as file:
            source = file.read()
    except OSError:
        return True  # both files are optional
    try:
        code = compile(source, path, "exec")
        del source  # a board never holds the whole source in its heap
        exec(code, {"__name__": "__main__"})  # noqa: S102
    except SystemExit as leaving:
        if leaving.args and leaving.args[0] == 70:
            raise  # the connection to the world is lost
        machine.soft_reset()
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


def main():
    """Run the board's files until one fails or the last ends."""
    import gc
    import json

    prepare(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]))
    sys.argv[:] = []
    gc.collect()
    for path in BOOT_FILES:
        if not execute(path):
            sys.exit(1)


if __name__ == "__main__":
    main()
