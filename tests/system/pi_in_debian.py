"""A Debian machine that looks like a Pi to the gateway's unit, which is used as shipped.

/sys is replaced by one as a Pi's kernel lays it out, and the kernel behind /dev/gpiochip0 by a
stand-in. The sandbox, the pin libraries and systemd are the real ones.
"""

import subprocess
from pathlib import Path

import real_micropython
from debian_gateway import until
from laid_out_pi import lay_out

from fevergate.alarm.gpio_pins import GATES

HERE = Path(__file__).parent
UNIT = "fevergate-gateway.service"
LINES = 54
OURS = "/var/lib/pi"
AT_RUNTIME = f"/run/systemd/system/{UNIT}.d"
PI = ("Raspberry Pi 3 Model B Rev 1.2", 0xA02082)
HEADER = {0: ("brcm,bcm2835-gpio", ""), 1: ("raspberrypi,firmware-gpio", "")}


class Pi:
    """Turns a machine into a Pi, and shows what its pins do."""

    def __init__(self, machine):
        self.machine = machine
        root = machine.root / OURS[1:]
        root.mkdir()
        edge = root / "gpio_edge.so"
        source = real_micropython.ROOT / "tests/system/gpio_edge.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", edge, source], check=True)
        sys_, _ = lay_out(root, *PI, HEADER)
        (sys_ / "fs/cgroup").mkdir(parents=True)
        machine.run(
            f"mount --rbind /sys/fs/cgroup {OURS}/sys/fs/cgroup; mount --rbind {OURS}/sys /sys;"
            f" head -c {2 * LINES} /dev/zero >/dev/gpiochip0"
        )
        self.permit("root:gpio", "660")  # as our udev rule does; udev does not run in a container
        self.drop_in("edge", f"[Service]\\nEnvironment=LD_PRELOAD={OURS}/gpio_edge.so\\n")
        self.silent_after(3600)  # so that a slow machine does not make kiosks count as silent
        self.factory("auto")

    def permit(self, owner, mode):
        """Set the owner and mode of the GPIO chip's device."""
        self.machine.run(f"chown {owner} /dev/gpiochip0; chmod {mode} /dev/gpiochip0")

    def silent_after(self, seconds):
        self.machine.run(
            f"sed -i 's/^silent_after_s = [0-9]*/silent_after_s = {seconds}/'"
            " /etc/fevergate/gateway.toml"
        )

    def factory(self, name):
        """Set the pin factory in the settings, and restart the gateway."""
        self.machine.run(
            f"sed -i 's/^factory = .*/factory = \"{name}\"/' /etc/fevergate/gateway.toml"
        )
        self.restart()

    def drop_in(self, name, text):
        """Add a drop-in to the unit, until `mend`."""
        path = f"{AT_RUNTIME}/{name}.conf"
        self.machine.run(f"mkdir -p {AT_RUNTIME}; printf '{text}' >{path}; systemctl daemon-reload")

    def mend(self, name):
        """Remove the drop-in."""
        self.machine.run(f"rm {AT_RUNTIME}/{name}.conf; systemctl daemon-reload")

    def restart(self):
        self.machine.run(f"systemctl restart {UNIT}")

    def says(self, name):
        return self.machine.run(f"systemctl show --value -p {name} {UNIT}").stdout.strip()

    def kill(self, whom):
        """Send SIGKILL: with "main" to the gateway itself, with "all" to every process of its
        cgroup, as the kernel's OOM killer does with OOMPolicy=kill."""
        self.machine.run(f"systemctl kill --kill-whom={whom} --signal=KILL {UNIT}")

    @property
    def outputs(self):
        """Levels of those of the gate's lines that are outputs now, by lamp or buzzer."""
        state = Path(f"/proc/{self.machine.leader}/root/dev/gpiochip0").read_bytes()
        pins = {use: GATES["gate1"][use] for use in ("red", "amber", "green", "buzzer")}
        return {use: state[2 * pin + 1] for use, pin in pins.items() if state[2 * pin]}

    @property
    def lit(self):
        return {use for use, level in self.outputs.items() if level and use != "buzzer"}

    def until_lit(self, *lamps):
        until(lambda: self.lit == set(lamps))
