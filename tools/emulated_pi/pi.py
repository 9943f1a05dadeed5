"""The emulated Pi as a gateway: its commands, lamps and button, and a kiosk's readings."""

import shlex
import time
from collections.abc import Callable

from emulated_pi.button import mapped_at
from emulated_pi.errors import PiCheckError
from emulated_pi.gpio import Lamps
from emulated_pi.machine import Machine
from emulated_pi.serial_line import Result

GATE, KIOSK = "north", "north-1"
UNIT = "fevergate-gateway.service"
PYTHON = "/opt/fevergate/bin/python"
KIOSK_PROGRAM = "/usr/local/lib/pi-check/kiosk.py"
STREAM = "pi-check-kiosk"
"""The transient systemd unit in which a kiosk's stand-in runs."""

KIOSK_PAUSE_S = 0.1
SLOW_PAUSE_S = 3.0
"""Pauses between two readings; the slow one is about that between people who walk by."""

FOR_EVER = 100_000
"""More readings than a kiosk sends before it is stopped."""

READY_S = 900.0
COMMAND_S = 300.0
LIT_S = 180.0
"""Timeout for a lamp: far more than the emulation takes, since a busy machine is slow."""

STORED_S = 600.0

KERNEL_KEEPS = "pinctrl_bcm2835.persist_gpio_outputs=y"
"""Raspberry Pi OS's kernel keeps the outputs of a program that has ended; Debian 13's does so with
this parameter, which Debian 12's does not know (drivers/pinctrl/bcm/pinctrl-bcm2835.c)."""

PRINT_STORED = """\
import sqlite3
rows = sqlite3.connect("/etc/fevergate/fevergate.db").execute("select seq from readings")
print(*(row[0] for row in rows))
"""


class Pi:
    """An emulated Raspberry Pi with the gateway installed."""

    def __init__(self, machine: Machine, keeps_outputs: bool) -> None:
        """`keeps_outputs`: boot the kernel so that it keeps the GPIO outputs of a program that has
        ended."""
        self.machine = machine
        self._parameters = (KERNEL_KEEPS,) if keeps_outputs else ()
        self._next = 1

    def boot(self, *parameters: str) -> float:
        """Power off and on again; returns the seconds until the serial line answers."""
        return self.machine.boot(*self._parameters, *parameters)

    def run(self, command: str, timeout_s: float = COMMAND_S, *, check: bool = True) -> Result:
        """Run a shell command as root. Raises `PiCheckError` if it fails or does not end."""
        return self.machine.serial.run(command, timeout_s, check=check)

    def until(self, command: str, seconds: float = READY_S) -> None:
        """Repeat a command until it succeeds. Raises `PiCheckError` after `seconds`."""
        began = time.monotonic()
        while self.run(command, check=False).code:
            now = time.monotonic()
            if now - began > seconds:
                raise PiCheckError(f"after {seconds:.0f} s not true: {command}\n{self.journal()}")
            # Asking takes the emulated processor too, so ask less and less often.
            time.sleep(min(1 + (now - began) / 20, 5))

    def until_active(self) -> None:
        """Wait until systemd says that the gateway is active. Raises `PiCheckError`."""
        self.until(f"systemctl is-active --quiet {UNIT}")

    def restart(self) -> None:
        """Read the gateway's systemd unit again, and restart the gateway."""
        self.run(f"systemctl daemon-reload; systemctl reset-failed {UNIT}; true")
        self.run(f"systemctl restart {UNIT}", READY_S)

    def set_clock(self) -> None:
        """Set the clock to this machine's time, as a time server would."""
        self.run(f"date -s @{int(time.time())}")

    def kill(self) -> None:
        """Kill the gateway (SIGKILL), and wait until that process is gone. By then systemd may have
        started the gateway again."""
        pid = self.run(f"systemctl show -P MainPID {UNIT}").text
        self.run(f"systemctl kill --kill-whom=main --signal=KILL {UNIT}")
        self.until(f"test ! -e /proc/{pid}")

    def urgent_threads(self, unit: str) -> int:
        """Number of a unit's threads of real-time priority (chrt(1))."""
        pid = self.run(f"systemctl show -P MainPID {unit}").text
        return self.run(f"chrt --all-tasks --pid {pid}").text.count("policy: SCHED_RR")

    def processors(self, unit: str) -> set[str]:
        """Where a unit's threads may run: lists such as "0-3" (proc_pid_status(5))."""
        pid = self.run(f"systemctl show -P MainPID {unit}").text
        lines = self.run(f"grep -h Cpus_allowed_list /proc/{pid}/task/*/status").text.splitlines()
        return {line.split()[-1] for line in lines}

    # --- pins

    @property
    def lamps(self) -> Lamps:
        """Present levels of the gate's lines."""
        return self.machine.lamps

    def shows(self, condition: Callable[[Lamps], bool], seconds: float = LIT_S) -> bool:
        """Whether the lamps meet a condition within some seconds."""
        end = time.monotonic() + seconds
        while not condition(self.lamps):
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def held(self) -> str:
        """The kernel's table of the GPIO lines in use, as text for a report."""
        self.run("mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug")
        lines = self.run("grep '|' /sys/kernel/debug/gpio", check=False).text
        return f"the kernel's GPIO table:\n{lines or 'nobody holds a line'}"

    # --- a kiosk

    def say(self, count: int, verdict: str, pause_s: float = KIOSK_PAUSE_S) -> int:
        """Start a kiosk's stand-in that sends `count` readings (0: until it is stopped) and reports
        on the serial line which were sent and which are stored; returns the first reading's number.
        """
        first, self._next = self._next, self._next + (count or FOR_EVER)
        self.stop_kiosk()
        self.run(
            f"systemd-run --quiet --collect --unit={STREAM} -p StandardOutput=file:/dev/ttyS1"
            f" {PYTHON} {KIOSK_PROGRAM} {KIOSK} {self.machine.boots} {first} {count} {verdict}"
            f" {pause_s}"
        )
        return first

    def stop_kiosk(self) -> None:
        """Stop the kiosk."""
        self.run(f"systemctl stop {STREAM}; systemctl reset-failed {STREAM}; true")

    def sent_at(self, number: int) -> float | None:
        """When the kiosk sent a reading (monotonic s), or None."""
        return self.machine.serial.heard_at("sent", number)

    def until_stored(self, numbers: set[int]) -> None:
        """Wait until the gateway has told the kiosk that these readings are stored. Raises
        `PiCheckError`."""
        self.machine.serial.until(
            lambda: numbers <= set(self.machine.serial.events("stored")),
            STORED_S,
            f"readings {min(numbers)} to {max(numbers)} are stored",
        )

    def told_stored(self, first: int) -> set[int]:
        """Numbers from `first` on that the gateway has reported to the kiosk as stored."""
        return {number for number in self.machine.serial.events("stored") if number >= first}

    def kept(self) -> set[int]:
        """Numbers of all readings in the database."""
        command = f"python3 -c {shlex.quote(PRINT_STORED)}"
        return {int(seq) for seq in self.run(command).text.split()}

    def press(self) -> bool:
        """Hold the gate's button down until red is out; returns whether it went out."""
        self.run("sysctl -qw kernel.kptr_restrict=1")  # else vmallocinfo hides the addresses
        address = mapped_at(self.run("cat /proc/vmallocinfo").text)
        self.machine.finger(address, down=True)
        out = self.shows(lambda lamps: not lamps.red)
        self.machine.finger(address, down=False)
        return out

    def acknowledge(self) -> bool:
        """Acknowledge with `fevergate acknowledge`; returns whether red went out."""
        self.run(f"fevergate acknowledge {GATE} --by pi-check")
        return self.shows(lambda lamps: not lamps.red)

    def card_errors(self) -> str:
        """Kernel messages about the SD card: they show whether a failure is the emulation's fault.

        QEMU's card controller (hw/sd/bcm2835_sdhost.c) once left three words of a transfer in its
        buffer, on a host with more than 40 busy programs on two cores. All that was read and
        written from then on was shifted by these words, and the card's contents were lost.
        """
        try:
            return self.run("dmesg | grep -E 'mmc|EXT4-fs (error|warning)' | tail -n 6", 60).text
        except PiCheckError:
            return "no kernel messages about the SD card"

    def journal(self) -> str:
        """Last lines of the gateway's journal."""
        return self.run(f"journalctl --no-pager -o cat -n 12 -u {UNIT}", check=False).text
