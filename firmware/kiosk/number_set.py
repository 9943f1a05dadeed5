"""Compact sets of numbers below 1,024, each held in a bytearray. Pure.

Run-length encoding: the bytes are lengths of runs, alternately of absent and of present numbers; a
run longer than 255 is split in two, with a run of length 0 between them. A set whose runs would
take 128 bytes or more is a bitmap of 128 bytes instead.
"""

SPAN = 1024
"""Numbers are 0 to `SPAN` - 1."""

_DENSE = SPAN // 8


def each(data):
    """Yield (first, end) of each run of present numbers, ascending; two runs may touch."""
    first = end = 0
    if len(data) < _DENSE:
        for place in range(0, len(data), 2):
            first = end + data[place]
            end = first + data[place + 1]
            if end > first:
                yield first, end
        return
    inside = 0
    for place in range(_DENSE):
        byte = data[place]
        if byte == (0xFF if inside else 0):
            continue
        for end in range(place * 8, place * 8 + 8):
            if byte >> (end & 7) & 1 != inside:
                if inside:
                    yield first, end
                first = end
                inside ^= 1
    if inside:
        yield first, SPAN


def add(data, first, end):
    """Add the numbers `first` to `end` - 1, which must be above all numbers in the set; returns the
    new set. It may change `data` and return it."""
    if len(data) >= _DENSE:
        for index in range(first, end):
            data[index >> 3] |= 1 << (index & 7)
        return data
    skip = first - sum(data)
    if data and not skip and data[-1] + end - first < 256:
        data[-1] += end - first
        return data
    pairs = bytearray()
    at = first
    while at < end:
        pairs.append(min(skip, 255))
        pairs.append(0 if skip > 255 else min(end - at, 255))
        skip -= pairs[-2]
        at += pairs[-1]
    if len(data) + len(pairs) < _DENSE:
        data.extend(pairs)
        return data
    dense = bytearray(_DENSE)
    for run in each(data):
        add(dense, *run)
    return add(dense, first, end)


def without(data, first, end):
    """A new set without the numbers `first` to `end` - 1."""
    if len(data) >= _DENSE:
        data = bytearray(data)
        for index in range(first, end):
            data[index >> 3] &= ~(1 << (index & 7)) & 0xFF
        return data
    result = bytearray()
    for start, stop in each(data):
        if start < first:
            result = add(result, start, min(stop, first))
        if stop > end:
            result = add(result, max(start, end), stop)
    return result


def below(data, index):
    """Count of the set's numbers below `index`."""
    if len(data) < _DENSE:
        return sum([min(end, index) - first for first, end in each(data) if first < index])
    count = sum([bin(byte).count("1") for byte in data[: index >> 3]])
    if index & 7:
        count += bin(data[index >> 3] & (1 << (index & 7)) - 1).count("1")
    return count
