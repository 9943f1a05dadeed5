"""The board's `time` module: a clock that can run faster than real time.

Ticks and sleeps are simulated. `time()` stays real, because certificates and records carry real
dates; but if `start` is given the date of the boot, `time()` runs as fast as the ticks. As on an
ESP32 `time()` is an int that counts from 2000, and tuples have eight fields.

Ticks stand still while the host holds the board up: a real board never stops for seconds, and a
kiosk that did would miss the person before it. If `start` is given the date of the boot they run
on, because the date would stay behind.
"""

import sys
import time as _real

ticks_add = _real.ticks_add
ticks_diff = _real.ticks_diff

_STEP_US = 100_000  # host's time between two looks at the clock; if it is longer, the host is busy
_EVER_US = 1 << 28
_EPOCH_S = 946_684_800  # 1970 to 2000
_TICKS = (sys.maxsize >> 1) + 1  # ticks wrap at half of what a small int holds: 2^30 on a board
_start_ms = _real.ticks_ms()
_last_us = _real.ticks_us()
_boot_ms = 0  # simulated, since the boot
_part_us = 0  # remainder below a millisecond, in thousandths of a microsecond
_meant_us = 0  # host's time for which the board itself chose to wait since the last look
_permille = 1000
_offset_s = -_EPOCH_S
_boot_utc = None


def start(permille, is_set, boot_utc=None, ahead_ms=None):
    """Run at `permille` thousandths (1000 or more) of real speed from now on.

    A clock that is not set begins at 2000-01-01, as after power-on. `boot_utc`: the present date
    (Unix s); `ahead_ms`: how far a clock that ran through a reset is ahead of the true time.
    """
    global _start_ms, _last_us, _boot_ms, _part_us, _meant_us, _permille, _offset_s, _boot_utc
    _boot_utc = boot_utc
    _start_ms = _real.ticks_ms()
    _last_us = _real.ticks_us()
    _boot_ms = _part_us = _meant_us = 0
    _permille = permille
    _offset_s = -_EPOCH_S if is_set else -int(_utc())
    if ahead_ms is not None:
        _offset_s = ahead_ms / 1000 - _EPOCH_S


def set_seconds(now, us=0):
    """Set the clock: seconds since 2000, and microseconds. Returns by how much (ms) it is ahead
    of the true time."""
    global _offset_s
    _offset_s = now + us / 1_000_000 - _utc()
    return round((_offset_s + _EPOCH_S) * 1000)


def boot_ms():
    """Simulated milliseconds since the boot. Call it at least every eight minutes: in 32-bit words
    the host's microsecond ticks wrap, and a longer difference is ambiguous."""
    global _last_us, _boot_ms, _part_us, _meant_us
    now_us = _real.ticks_us()
    step_us = ticks_diff(now_us, _last_us)
    _last_us = now_us
    held_up = _boot_utc is None and step_us > _meant_us + _STEP_US
    _part_us += (_meant_us + _STEP_US if held_up else step_us) * _permille
    _meant_us = 0
    _boot_ms += _part_us // 1_000_000
    _part_us %= 1_000_000
    if held_up:  # but never behind the host's ticks, see below
        _boot_ms = max(_boot_ms, ticks_diff(_real.ticks_ms(), _start_ms))
    return _boot_ms


def _means(us):
    """Call before a wait of `us` microseconds of the host."""
    global _meant_us
    _meant_us = min(_meant_us + us, _EVER_US)


def boot_us():
    """Simulated microseconds since the boot."""
    return boot_ms() * 1000 + _part_us // 1000


# Ticks begin at the host's value. asyncio's task queue, written in C, stamps tasks that are to run
# at once with the host's ticks, and these must not lie in the simulated future.


def ticks_us():
    """Simulated microseconds from an arbitrary start."""
    return (_start_ms * 1000 + boot_us()) % _TICKS


def ticks_ms():
    """Simulated milliseconds from an arbitrary start."""
    return (_start_ms + boot_ms()) % _TICKS


def sleep_us(us):
    """Wait `us` simulated microseconds."""
    if us > 0:
        _means(us * 1000 // _permille)
        _real.sleep_us(us * 1000 // _permille)


def sleep_ms(ms):
    """Wait `ms` simulated milliseconds."""
    sleep_us(ms * 1000)


def sleep(seconds):
    """Wait simulated seconds."""
    sleep_us(int(seconds * 1_000_000))


def time():
    """Seconds since 2000."""
    return int(_utc() + _offset_s)


def time_ns():
    """Nanoseconds since 2000."""
    return int((_utc() + _offset_s) * 1_000_000_000)


def _utc():
    """The true time, seconds since 1970."""
    return _real.time() if _boot_utc is None else _boot_utc + boot_us() / 1_000_000


def gmtime(seconds=None):
    """(year, month, day, hour, minute, second, weekday, yearday) of seconds since 2000."""
    return _real.gmtime((time() if seconds is None else seconds) + _EPOCH_S)[:8]


def mktime(when):
    """Seconds since 2000 of a tuple as `gmtime` returns it."""
    # The C library's mktime uses the host's time zone.
    year, month, day, hour, minute, second = when[:6]
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    if month < 3:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day
    return ((days - 730_426) * 24 + hour) * 3600 + minute * 60 + second


def scale(queue_class):
    """Make asyncio's wait for events take simulated milliseconds."""
    wait = queue_class.wait_io_event

    def wait_scaled(queue, dt):
        if dt < 0:
            _means(_EVER_US)
        elif dt > 0:
            real_us = dt * 1_000_000 // _permille
            _means(real_us)
            dt = real_us // 1000
            if dt == 0:
                # Shorter than poll() can wait; without this an accelerated board would spin.
                _real.sleep_us(real_us)
        wait(queue, dt)

    queue_class.wait_io_event = wait_scaled
