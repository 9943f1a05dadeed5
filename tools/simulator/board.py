"""A kiosk's board: power, reset, flash and console, in a virtual world."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from fevergate.evaluation.people_file import Person
from simulator.bus import VirtualBus
from simulator.card_reader import VirtualReader
from simulator.crowd import Crowd
from simulator.display import VirtualSSD1306
from simulator.errors import BoardDiedError, SimulatorError
from simulator.flash import write_flash
from simulator.frames import ResetCause
from simulator.interpreters import interpreter as interpreter_of
from simulator.pins import load_pins
from simulator.process import BoardProcess, LineProcess
from simulator.sensor import VirtualMLX90614
from simulator.server import Server
from simulator.stand_ins import SOURCES, START, compiled_folder
from simulator.tapping import Taps
from simulator.visitor import Habits, Visit
from simulator.world import PinChange, Tone, World

MAX_SPEED = 30.0
RESET_EXIT = 75
WATCHDOG_LEAST_S = 10.0
_POLL_S = 0.02
_TAIL = 20


class Board:
    """One kiosk: `flash` it, `start` it, and `stop` it (or use it in a `with` statement).

    - `speed`: simulated seconds per real second, 1 to 30.
    - `heap`: fixed size of Python's heap; a real board's heap grows into its PSRAM.
    - `people` come one after another once the firmware reads its sensor.
    - `on_console(board, line)` is called from a thread.
    - `warmed_up`: the sensor's can is warm at power-on, and the firmware knows it; otherwise
      warming up takes minutes.
    - `model`: a name in the table of boards. `utc`: source of the date, by default the host's.
    - `interpreter`: "64bit" or "32bit", the word size of its MicroPython.
    - `sources`: modules are flashed as .py instead of .mpy.
    - `reader`: the card reader on the board's UART, or None. `taps`: the cards that people tap, by
      the person's identifier; may be changed until the person comes.
    - `gauge_every`: measure the live heap at every n-th request (device/gauge.py); 0: never.

    Hold `world.lock` to change `sensor`, `display`, `bus` or `reader`.
    """

    def __init__(
        self,
        name: str,
        flash_dir: str | Path,
        firmware_dir: str | Path,
        speed: float = 1.0,
        heap: str = "320K",
        people: Iterable[Person] = (),
        seed: int = 0,
        on_console: Callable[["Board", str], None] | None = None,
        *,
        sensor: VirtualMLX90614 | None = None,
        habits: Habits | None = None,
        clock_set: bool = True,
        warmed_up: bool = True,
        psram_bytes: int = 2 << 20,
        model: str | None = None,
        utc: Callable[[], float] | None = None,
        interpreter: str | None = None,
        sources: bool = False,
        gauge_every: int = 0,
        reader: VirtualReader | None = None,
        taps: Mapping[str, Taps] | None = None,
    ) -> None:
        if not 1.0 <= speed <= MAX_SPEED:
            raise SimulatorError(f"speed: expected 1 to {MAX_SPEED:g}, not {speed}")
        self.name = name
        self.flash_dir = Path(flash_dir).resolve()
        self.firmware_dir = Path(firmware_dir).resolve()
        self.speed = speed
        self.heap = heap
        self.interpreter = interpreter_of(interpreter)
        self.sources = sources
        self._gauge_every = gauge_every
        self.clock_set = clock_set
        self._psram_bytes = psram_bytes
        self._utc_now = utc
        self.pins = load_pins(model=model)
        self.bus = VirtualBus(self.pins.sda, self.pins.scl)
        self.sensor = sensor or VirtualMLX90614(seed=seed)
        self.display = VirtualSSD1306()
        self.bus.attach(self.sensor)
        self.bus.attach(self.display)
        self._crowd = Crowd(people, seed, habits, taps, reader)
        self.sensor.scene = self._crowd.view
        self.world = World(self.pins, self.sensor, self.display, self.bus, self._crowd)
        self.world.uarts.reader = self.reader = reader
        self.world.air.hurry(speed)
        self.world.always_warm = self.sensor.warm = warmed_up
        self.world.power_off()
        self.crowd_done = self._crowd.done
        self.console: list[str] = []
        self.exit_code: int | None = None
        self.boots = 0
        self.pid: int | None = None
        self.last_reset: ResetCause | None = None
        self._on_console = on_console
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._died = False
        self._listener_error: Exception | None = None

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the board has power and its program runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def visits(self) -> list[Visit]:
        """Finished visits, in order."""
        with self.world.lock:
            return list(self._crowd.visits)

    @property
    def pin_history(self) -> list[PinChange]:
        """Every change of a pin's level, including those at restarts."""
        with self.world.lock:
            return list(self.world.pin_history)

    @property
    def beeps(self) -> list[Tone]:
        """Every change of the beeper's frequency or duty."""
        with self.world.lock:
            return list(self.world.tones)

    def light(self) -> str | None:
        """Colour of the lit lamp, or None; if several are lit, the most severe."""
        lit = {change.pin: change.level for change in self.pin_history}
        for colour in ("red", "amber", "green"):
            if lit.get(getattr(self.pins, colour)):
                return colour
        return None

    def flash(self, files: Mapping[str, bytes] | None = None) -> None:
        """Write firmware and `files` to the flash; other files stay."""
        write_flash(self.flash_dir, self.firmware_dir, files or {}, sources=self.sources)

    def start(self) -> None:
        """Power on. Raises `SimulatorError` if the board is on or has no firmware."""
        if self.running:
            raise SimulatorError(f"{self.name} is on already")
        self._check_flash()
        self._stopping.clear()
        self._died = False
        self.exit_code = None
        self._thread = threading.Thread(target=self._run, name=f"board-{self.name}", daemon=True)
        self._thread.start()

    def _check_flash(self) -> None:
        if not (self.flash_dir / "main.py").is_file():
            raise SimulatorError(f"{self.name}: no main.py in {self.flash_dir}: flash it first")

    def power_cut(self) -> None:
        """Cut the power: nothing is flushed or closed. Raises as `check` does."""
        self.check()
        self.stop()

    def brown_out(self) -> None:
        """Dip the supply: the chip restarts with cause "power-on", the parts lose their state."""
        self.check()
        self.world.ask_reset(ResetCause.POWER_ON)

    def panic(self) -> None:
        """Crash MicroPython's C code: the chip restarts with cause "hard reset", while the parts
        keep their state."""
        self.check()
        self.world.ask_reset(ResetCause.HARD)

    def stop(self) -> None:
        """Power off; no effect if the board is off."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.world.air.close()

    def check(self) -> None:
        """Raise `BoardDiedError` if the program ended by itself, `SimulatorError` if it is off.

        An exception raised in `on_console` becomes the cause of a `SimulatorError` here.
        """
        if self._listener_error is not None:
            raise SimulatorError(f"{self.name}: on_console raised") from self._listener_error
        if self._died:
            tail = "\n".join(self.console[-_TAIL:])
            raise BoardDiedError(
                f"{self.name}: the program ended with exit code {self.exit_code}\n{tail}"
            )
        if not self.running:
            raise SimulatorError(f"{self.name} is off")

    def wait_crowd(self, timeout: float) -> None:
        """Wait until all people have been served. Raises `SimulatorError` after `timeout` s."""
        self._wait(self.crowd_done.is_set, timeout, "people are still to come")

    def wait_console(self, text: str, timeout: float, start: int = 0) -> str:
        """Wait for a console line with `text`, from line `start` on; returns it. Raises
        `SimulatorError` after `timeout` s."""
        lines: list[str] = []

        def heard() -> bool:
            lines.extend(line for line in self.console[start:] if text in line)
            return bool(lines)

        self._wait(heard, timeout, f"no line with {text!r} on the console")
        return lines[0]

    def wait_light(self, colour: str, timeout: float) -> None:
        """Wait until a colour is lit. Raises `SimulatorError` after `timeout` s."""
        self._wait(lambda: self.light() == colour, timeout, f"{colour} is not lit")

    def admit(self, people: Iterable[Person]) -> None:
        """Append people to the queue."""
        with self.world.lock:
            self._crowd.admit(people)

    def wifi(self, on: bool) -> None:
        """Switch all access points on or off."""
        self.world.wifi(on)

    def _wait(self, ready: Callable[[], bool], timeout: float, otherwise: str) -> None:
        until = time.monotonic() + timeout
        while not ready():
            self.check()
            if time.monotonic() > until:
                tail = "\n".join(self.console[-_TAIL:])
                raise SimulatorError(f"{self.name}: after {timeout:g} s {otherwise}\n{tail}")
            time.sleep(_POLL_S)

    def _hear(self, line: str) -> None:
        self.console.append(line)
        if self._on_console is not None:
            try:
                self._on_console(self, line)
            except Exception as error:  # if this thread ended, a full pipe would stop the board
                self._listener_error = error

    def _run(self) -> None:
        """Boot after each reset until power-off or the program's end."""
        cause: ResetCause | None = ResetCause.POWER_ON
        try:
            while cause is not None:
                self.last_reset = cause
                cause = self._boot(cause)
        finally:
            self.world.power_off()

    def _boot(self, cause: ResetCause) -> ResetCause | None:
        self.world.boot(power_on=cause is ResetCause.POWER_ON, soft=cause is ResetCause.SOFT)
        self.boots += 1
        stand_ins = compiled_folder() if self._gauge_every else SOURCES
        return self._supervise(
            cause, lambda *boot: LineProcess(*boot, stand_ins / START, on_line=self._hear)
        )

    def _supervise(
        self,
        cause: ResetCause,
        start: Callable[..., BoardProcess],
        reset: Callable[[], bool] = lambda: False,
    ) -> ResetCause | None:
        """Run MicroPython until a reset, power-off or the program's end; returns the cause of the
        next boot. `reset`: whether a line from outside has reset the chip."""
        server = Server(self.world)
        process = start(
            *(self.interpreter, server.port, self.speed, self.heap),
            *(self.flash_dir, self._about(cause)),
        )
        self.pid = process.pid
        try:
            while not self._stopping.is_set():
                exit_code = process.wait(_POLL_S)
                if reset():
                    return ResetCause.HARD
                reset_cause = self.world.reset_asked
                if self.world.watchdog_barked(time.monotonic(), self.speed, WATCHDOG_LEAST_S):
                    reset_cause = ResetCause.WATCHDOG
                if reset_cause is not None:
                    self.exit_code = RESET_EXIT
                    return reset_cause
                if exit_code is not None:
                    return self._ended(exit_code)
            return None
        finally:
            process.kill()
            server.close()

    def _ended(self, exit_code: int) -> ResetCause | None:
        """Record that the program ended by itself, which a kiosk's program never does."""
        self.exit_code = exit_code
        self._died = True
        return None

    def _about(self, cause: ResetCause) -> dict[str, object]:
        digest = hashlib.sha256(self.name.encode()).digest()
        # An invented hardware address must be a locally administered one.
        address = bytes(((digest[0] & 0xFC) | 0x02,)) + digest[1:6]
        return {
            "cause": int(cause),
            "unique_id": address.hex(),
            "clock_set": self.clock_set,
            # The real-time clock runs through resets and stops only without power.
            "rtc_ahead_ms": self.world.rtc_ahead_ms,
            "boot_utc": self._utc_now() if self._utc_now else None,
            "psram_bytes": self._psram_bytes,
            "gauge_every": self._gauge_every,
        }
