"""A board's raw REPL on standard input and output, to test programs that use it.

Runs under MicroPython on a flash folder of the host. As in
docs.micropython.org/en/latest/reference/repl.html: Ctrl-C interrupts, Ctrl-A enters raw mode, each
block ends with Ctrl-D and is answered with OK, its output, its error. Raw paste mode is declined.
"""

import io
import os
import sys

import vfs

vfs.umount("/")
vfs.mount(vfs.VfsPosix(sys.argv[1]), "/")
os.chdir("/")


class _Machine:
    def reset(self):
        raise SystemExit


sys.modules["machine"] = _Machine()
line_in, line_out = sys.stdin.buffer, sys.stdout.buffer
PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


def say(data):
    line_out.write(data)


def run(source, names):
    """Execute one block and answer with its output and error."""
    say(b"OK")
    out = io.StringIO()
    names["print"] = lambda *what: print(*what, file=out)
    error = io.StringIO()
    try:
        exec(source, names)  # noqa: S102
    except SystemExit:
        raise
    except BaseException as fell:
        sys.print_exception(fell, error)
    say(out.getvalue().encode() + b"\x04" + error.getvalue().encode() + b"\x04>")


def main():
    """Serve the REPL until standard input ends."""
    names = {"__name__": "__main__"}
    raw = False
    block = b""
    while True:
        byte = line_in.read(1)
        if not byte:
            return
        if byte == b"\x03":
            block = b""
            if not raw:
                say(b"\r\n>>> ")
        elif byte == b"\x01":
            if block == b"\x05A":
                say(b"R\x00")
            else:
                raw = True
                say(PROMPT)
            block = b""
        elif byte == b"\x02":
            raw, block = False, b""
            say(b"\r\n>>> ")
        elif byte == b"\x04" and raw:
            run(block, names)
            block = b""
        else:
            block += byte


main()
