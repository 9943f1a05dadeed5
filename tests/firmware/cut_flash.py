"""Runs under MicroPython: a NOR flash whose power goes at a change of one's choice."""

BLOCK = 4096
ERASE = 6


class PowerCutError(Exception):
    """The board is dark from here on."""


class Flash:
    """NOR flash: an erase makes ones, a write lands where it was erased."""

    def __init__(self, blocks, torn, data=None, cut_at=None):
        self.blocks = blocks
        self.torn = torn  # half of the write that was under way lands
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
