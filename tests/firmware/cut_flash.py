"""Runs under MicroPython: a NOR flash whose power is cut at a chosen change."""

BLOCK = 4096
ERASE = 6


class PowerCutError(Exception):
    """The board has no power from here on."""


class Flash:
    """NOR flash: an erase sets all bits, and a write goes to erased bytes."""

    def __init__(self, blocks, torn, data=None, cut_at=None):
        self.blocks = blocks
        self.torn = torn  # whether half of the interrupted write lands
        self.data = data or bytearray(b"\xff" * (BLOCK * blocks))
        self.cut_at = cut_at
        self.changes = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        self._change(at, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.blocks
        if operation == 5:
            return BLOCK
        if operation == ERASE:
            self._change(argument * BLOCK, b"\xff" * BLOCK)
        return 0

    def _change(self, at, buffer):
        if self.changes == self.cut_at:
            if self.torn:
                half = len(buffer) // 2
                self.data[at : at + half] = buffer[:half]
            self.cut_at = -1  # and nothing is written any more
        if self.cut_at == -1:
            raise PowerCutError()
        self.changes += 1
        self.data[at : at + len(buffer)] = buffer
