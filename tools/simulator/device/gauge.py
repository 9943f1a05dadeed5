"""Watches the board's heap from below: what is live at most, and which modules are loaded.

Collects at each so many-th question to the world, wherever the program is just then, and prints
`gauge live=BYTES` for each new maximum, and the modules whenever their number has changed.
"""

import gc
import sys

import wire


def start(every):
    """Collect at each `every`-th question from now on."""
    ask = wire.ask
    state = [0, 0, 0]  # questions, most bytes, modules

    def gauged(operation, size):
        reply = ask(operation, size)
        state[0] += 1
        if state[0] % every == 0:
            gc.collect()
            live = gc.mem_alloc()
            if live > state[1]:
                state[1] = live
                print("gauge live=%d" % live)
            if len(sys.modules) != state[2]:
                state[2] = len(sys.modules)
                print("gauge modules", " ".join(sorted(sys.modules)))
        return reply

    wire.ask = gauged
