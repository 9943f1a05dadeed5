"""The number of this boot and the reason for it. Loaded once at start, then unloaded."""

from kiosk.safe_file import SafeFile


def reset_word(machine):
    """Why the board started, in the health message's words; `machine` is MicroPython's module."""
    return {
        machine.PWRON_RESET: "power on",
        machine.HARD_RESET: "reset",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "deep sleep",
        machine.SOFT_RESET: "soft reset",
    }.get(machine.reset_cause(), "unknown")


def next_boot(path="/boot", after=0, fresh=0):
    """Number of this boot, one above the last, stored on flash; safe against power cuts.

    `after`: the highest boot number known from the outbox. If no number is known, or the flash
    refuses it, the result is `fresh`, which the caller draws at random: a board whose flash was
    erased must not reuse earlier numbers, or the gateway would ignore its readings as repeats.
    """
    file = SafeFile(path)
    counted = file.read()
    last = max(counted if isinstance(counted, int) else 0, after)
    boot = last + 1 if last else fresh
    try:
        file.write(boot)
    except OSError as error:
        print("boot not counted:", error)
        return fresh  # otherwise the next boot would have the same number
    return boot
