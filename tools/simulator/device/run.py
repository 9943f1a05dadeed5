"""Starts the board's files as an ESP32 does: boot.py, then main.py, on a flash of its own.

Runs under MicroPython, with arguments: port of the world, speed in thousandths, flash folder,
and JSON with `cause`, `unique_id` (hex), `clock_set`, `boot_utc` (None: the host's date),
`rtc_ahead_ms` (None: not set since the power came), `psram_bytes` and `gauge_every` (0: the heap
is not watched, see gauge.py). Exit code 1 is an uncaught exception.
"""

import sys

# The host's script folder comes first: these are ours, whatever is built in.
import clock
import esp32
import machine
import network
import sockets
import ssl_of_board
import wire

BOOT_FILES = ("/boot.py", "/main.py")


def mount(flash):
    """Make the host's folder the root of all that the firmware sees."""
    import os

    import vfs

    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(flash), "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]


def prepare(port, permille, flash, about):
    """Replace the modules of a board, and nothing else."""
    clock.start(permille, about["clock_set"], about["boot_utc"], about["rtc_ahead_ms"])
    wire.connect(port, clock.boot_ms)
    machine._start(about["cause"], bytes.fromhex(about["unique_id"]))
    esp32._start(about["psram_bytes"])
    if about["gauge_every"]:
        import gauge

        gauge.start(about["gauge_every"])
    for name in ("clock", "sockets", "ssl_of_board", "wire"):
        del sys.modules[name]  # the firmware may have modules of these names
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
    """Run one file of the flash as a script; whether it ended without an exception."""
    try:
        with open(path) as file:
            source = file.read()
    except OSError:
        return True  # neither file is a must
    try:
        code = compile(source, path, "exec")
        del source  # on a board the source is never in the heap as a whole
        exec(code, {"__name__": "__main__"})  # noqa: S102
    except SystemExit as leaving:
        if leaving.args and leaving.args[0] == 70:
            raise  # the world is gone
        machine.soft_reset()
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


def main():
    """Be a board until its program ends."""
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
