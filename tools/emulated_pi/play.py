"""Plays the check's steps on the emulated Pi, and judges them by its pins and its database."""

import random
import time
from collections.abc import Callable

from emulated_pi.arguments import Arguments
from emulated_pi.boot_config import BOOT_CONFIG, STRICT, in_effect
from emulated_pi.pi import GATE, KIOSK, READY_S, SLOW_PAUSE_S, UNIT, Pi
from emulated_pi.verdict import Verdict

PROVISION = (
    "fevergate provision gateway /etc/fevergate --campus east --gateway gw-east"
    f" --gate {GATE}={KIOSK} --gate south=south-1 --language en"
)
DEAD_S = 30.0
"""Time for which the lines are watched while no gateway runs."""

OLD_CLOCK = "systemd.clock_usec=86400000000"
"""Kernel parameter that sets the clock to 1970-01-02 (systemd(1)), about the date at which a
machine without a clock chip starts."""

AT_RUNTIME = f"/run/systemd/system/{UNIT}.d"
FOR_GOOD = f"/etc/systemd/system/{UNIT}.d"


def drop_in(folder: str, name: str, line: str) -> str:
    """Shell command that adds a line to the gateway's unit."""
    text = f"[Service]\\n{line}\\n"
    path = f"{folder}/{name}.conf"
    return f"mkdir -p {folder} && printf '{text}' >{path} && systemctl daemon-reload"


WITHOUT = {
    "protection": drop_in(FOR_GOOD, "pi-check", "ExecStopPost="),
    "recognition": drop_in(
        FOR_GOOD,
        "pi-check",
        "InaccessiblePaths=-/sys/firmware -/sys/bus/gpio -/proc/device-tree",
    ),
    "udev-rule": "rm -f /etc/udev/rules.d/*fevergate* /usr/lib/udev/rules.d/*fevergate*;"
    " udevadm control --reload; chgrp root /dev/gpiochip*; chmod 600 /dev/gpiochip*",
}
"""For each part of `arguments.WITHOUT`, the shell command that takes it out."""


def provision(pi: Pi, say: Callable[[str], None]) -> None:
    """Create the campus as an administrator does on the Pi, then power the Pi off."""
    say(f"  it answers after {pi.boot():.0f} s")
    pi.until("systemctl is-system-running | grep -qE 'running|degraded'")
    pi.set_clock()
    pi.run(PROVISION, 1800)
    pi.until_active()
    pi.run(f"systemctl stop {UNIT} fevergate-web mosquitto; sync", READY_S)
    pi.machine.cut()


class Play:
    """Plays the steps on one card; `verdict` is the result."""

    def __init__(
        self, pi: Pi, arguments: Arguments, rng: random.Random, say: Callable[[str], None]
    ) -> None:
        self._pi, self._arguments, self._rng, self._say = pi, arguments, rng, say
        self._expected: set[int] = set()
        self.verdict = Verdict()

    def all(self) -> Verdict:
        """Play every requested step. Raises `PiCheckError` if the Pi does not answer."""
        self._first_boot()
        for name in self._arguments.steps:
            self._say(f"{name}:")
            getattr(self, f"_{name.replace('-', '_')}")()
        self._count()
        return self.verdict

    def _first_boot(self) -> None:
        """Boot without network, set the clock as a time server would, and apply `--without`."""
        self._say("first boot")
        self._boot()
        self._pi.set_clock()
        if self._arguments.without:
            for name in self._arguments.without:
                self._say(f"  without {name}")
                self._pi.run(WITHOUT[name])
            self._pi.restart()
        self._say(f"  {self._pi.held()}")

    def _boot(self, *parameters: str) -> None:
        began = time.monotonic()
        seconds = self._pi.boot(*parameters)
        self._say(f"  it answers after {seconds:.0f} s: Linux {self._pi.run('uname -r').text}")
        self._pi.until_active()
        seconds = time.monotonic() - began
        self.verdict.boots = self._pi.machine.boots
        self.verdict.ready(seconds)
        self._say(f"  the gateway is ready after {seconds:.0f} s, {self._pi.lamps}")

    # --- parts of the steps

    def _expect(self, expectation: str, holds: bool) -> None:
        if not holds:
            self.verdict.problems.append(f"expected: {expectation}; the lines are {self._pi.lamps}")

    def _fever_comes(self, occasion: str, *, stored: bool = True) -> int:
        """Send a fever and record whether its red line goes high; returns the reading's number."""
        self._expect(f"red is out before {occasion}", not self._pi.lamps.red)
        began = time.monotonic()
        first = self._pi.say(1, "fever")
        self._expected.add(first)
        lit = self._pi.shows(lambda lamps: lamps.red)
        self.verdict.fever(occasion, lit)
        now = time.monotonic()
        sent_at = self._pi.sent_at(first)
        self._say(
            f"  {occasion}: red is {'lit' if lit else 'DARK'} after {now - began:.0f} s, "
            + (
                "its kiosk has sent nothing"
                if sent_at is None
                else f"{now - sent_at:.1f} s of it sent"
            )
        )
        if not lit:
            self._say(f"  {self._pi.held()}\n{self._pi.journal()}")
        if stored:
            self._pi.until_stored({first})
        return first

    def _press(self) -> None:
        began = time.monotonic()
        self._expect("red goes out when the button is pressed", self._pi.press())
        self._say(f"  the button: {self._pi.lamps.shown} after {time.monotonic() - began:.0f} s")

    def _acknowledge(self) -> None:
        self._expect("red goes out when it is acknowledged", self._pi.acknowledge())

    def _normal(self, count: int, meanwhile: str | None = None) -> None:
        """Have a kiosk send normal readings, run a command, and wait until they are stored."""
        first = self._pi.say(count, "normal")
        numbers = set(range(first, first + count))
        self._expected |= numbers
        if meanwhile:
            self._pi.run(meanwhile)
        self._pi.until_stored(numbers)

    def _make_green(self) -> None:
        """Have a kiosk of the gate send a normal reading, so that green is lit."""
        self._normal(1)
        self._expect("green while all is well", self._pi.shows(lambda lamps: lamps.green))

    def _each_start_fails(self) -> None:
        self._pi.run(drop_in(AT_RUNTIME, "fails", "ExecStartPre=/bin/false"))

    def _mend(self) -> None:
        self._pi.run(f"rm {AT_RUNTIME}/*.conf")
        self._pi.restart()

    # --- the steps

    def _fever(self) -> None:
        self._normal(3)
        self._expect(
            "the broker and one thread of the gateway, the lamps', run before other programs",
            self._pi.urgent_threads("mosquitto") == self._pi.urgent_threads(UNIT) == 1,
        )
        self._expect(
            "the gateway's threads share one processor while little is to do",
            self._pi.processors(UNIT) == {"3"},
        )
        self._expect(
            "the kernel limits the broker's connections, and what each may send",
            self._pi.run("nft list chain inet fevergate broker", check=False).code == 0,
        )
        self._fever_comes("a fever")
        self._say(f"  {self._pi.held()}")
        self._press()

    def _killed(self) -> None:
        """Kill the gateway, which must come back with red lit; then kill it again while each start
        fails."""
        self._fever_comes("a fever before the gateway is killed")
        self._pi.kill()
        self._expect("red again after it was killed", self._pi.shows(lambda lamps: lamps.red))
        self._pi.until_active()
        self._press()
        if self._arguments.keeps_outputs and "protection" not in self._arguments.without:
            self._unprotected()
        self._make_green()
        self._each_start_fails()
        began = time.monotonic()
        self._pi.kill()
        amber = self._pi.shows(lambda lamps: not lamps.green)
        seconds = time.monotonic() - began
        self._pi.until(f"test $(systemctl show -P MainPID {UNIT}) = 0")
        green = not amber or self._pi.shows(lambda lamps: lamps.green, DEAD_S)
        self.verdict.dead("the gateway is killed and each start fails", green, seconds)
        self._say(f"  killed, and each start fails: {self._pi.lamps.shown}, {seconds:.1f} s after")
        self._mend()

    def _unprotected(self) -> None:
        """Check that the kernel keeps green lit for a dead program if the unit does not release
        it."""
        self._make_green()
        self._each_start_fails()
        self._pi.run(drop_in(AT_RUNTIME, "unprotected", "ExecStopPost="))
        self._pi.kill()
        keeps_outputs = not self._pi.shows(lambda lamps: not lamps.green, DEAD_S)
        self._say(
            "  the same without the unit's own protection: "
            + (
                "green is lit over the dead gateway"
                if keeps_outputs
                else "the kernel let go of green"
            )
        )
        self._expect("this kernel keeps a dead program's outputs", keeps_outputs)
        self._mend()

    def _broker(self) -> None:
        self._normal(20, meanwhile="systemctl kill --signal=KILL mosquitto")
        self._fever_comes("a fever after the broker was killed")
        self._acknowledge()

    def _old_clock(self) -> None:
        """Boot with a clock of 1970. If the system then restores a saved time, restart the broker
        and the gateway with a clock of 1970, as on a card without a saved time."""
        self._pi.run("sync")
        self._boot(OLD_CLOCK)
        clock = self._pi.run("date -u +%Y-%m-%dT%H:%M:%SZ").text
        self._say(f"  its clock says {clock}")
        if not clock.startswith("1970"):
            self._fever_comes("a fever after a boot without network")
            self._press()
            self._pi.run(f"systemctl stop {UNIT} mosquitto; date -s 1970-01-02", READY_S)
            self._pi.run(f"systemctl start mosquitto {UNIT}", READY_S)
        self._fever_comes("a fever with a clock of 1970")
        self._press()

    def _power_cuts(self) -> None:
        """Cut the power at random instants while a kiosk sends readings."""
        for number in range(1, self._arguments.cuts + 1):
            first = self._pi.say(0, "normal")
            self._pi.until_stored({first})
            time.sleep(self._rng.uniform(0.5, 12))
            self._pi.machine.cut()
            stored = self._pi.told_stored(first)
            self._expected |= stored
            self._say(f"  power cut {number}, {len(stored)} readings were told to be stored")
            self._boot()
            self._fever_comes(f"a fever after power cut {number}")
            self._press()

    def _full_card(self) -> None:
        self._pi.run(
            "fallocate -l $(($(stat -f -c '%f*%S' /) - 65536)) /var/fill;"
            " dd if=/dev/zero of=/var/fill2 bs=64k; sync; true",
            READY_S,
        )
        self._say(f"  {self._pi.run('df -h / | tail -n 1').text}")
        seq = self._fever_comes("a fever while the card is full", stored=False)
        self._pi.run("rm -f /var/fill /var/fill2; sync")
        self._pi.until_stored({seq})
        self._press()

    def _upgrade(self) -> None:
        """Run gateway/install again while a kiosk sends readings."""
        self._configured("as it was installed")
        first = self._pi.say(0, "normal", SLOW_PAUSE_S)
        began = time.monotonic()
        result = self._pi.run(
            "/srv/pi-check/source/gateway/install --wheels /srv/pi-check/wheels", 3600, check=False
        )
        if result.code:
            self.verdict.problems.append(f"the upgrade failed: {result.text[-300:]}")
        self._say(f"  the upgrade took {time.monotonic() - began:.0f} s")
        self._configured("after the upgrade")
        self._pi.stop_kiosk()
        self._expected |= self._pi.told_stored(first)
        self._fever_comes("a fever after the upgrade")
        self._acknowledge()

    def _configured(self, occasion: str) -> None:
        """Check that config.txt tells Raspberry Pi OS's kernel to release a dead program's outputs;
        the kernel here is Debian's, so only the text can be checked."""
        lines = in_effect(self._pi.run(f"cat {BOOT_CONFIG}").text)
        if lines.count(STRICT) != 1:
            self.verdict.problems.append(
                f"{occasion}, expected {STRICT} once in {BOOT_CONFIG} for a Pi 3: {lines}"
            )

    def _count(self) -> None:
        """Stop the gateway, and compare its database with the readings that were sent."""
        self._pi.run(f"systemctl stop {UNIT}", READY_S)
        if self._pi.lamps.green:
            self.verdict.dead("the gateway was stopped", True, None)
        self.verdict.stored(self._expected, self._pi.kept())
