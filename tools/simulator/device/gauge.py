"""Measures the largest live heap of the firmware, and the modules loaded.

At every n-th request to the world, wherever the program is, it collects garbage. It prints
`gauge live=BYTES` for each new maximum, and `gauge modules NAMES` when their number has changed.
"""

import gc
import sys

import wire


def start(interval):
    """Measure at every `interval`-th request from now on."""
    ask = wire.ask
    state = [0, 0, 0]  # requests, most live bytes, modules

    def gauged(operation, size):
        reply = ask(operation, size)
        state[0] += 1
        if state[0] % interval == 0:
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
