"""The guards' desk with a virtual sensor on the Pi's own bus."""

import json

from click.testing import CliRunner
from desk_kernel import Kernel

from fevergate.cli import cli
from fevergate.desk import session, store
from fevergate.desk.sensor import Clock
from fevergate.operations import doctor_desk
from fevergate.settings.gateway import Desk, load_gateway
from simulator.bus import VirtualBus
from simulator.physics import View
from simulator.sensor import VirtualMLX90614

ROOM_C = 22.0
SETTINGS = """
campus = "east"
gateway = "gw-east"
language = "en"
[[gates]]
name = "north"
kiosks = ["north-1", "north-2"]
[desk]
supply_v = 3.0
"""
EMPTY = View(ROOM_C, ROOM_C, emissivity=1.0)


class AtTheDesk:
    """A desk with a virtual sensor; `before(view, from_s, for_s)` puts something in front of the
    sensor."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.toml = folder / "gateway.toml"
        self.toml.write_text(SETTINGS)
        self.part = VirtualMLX90614(lambda _: self.view)
        self.view = EMPTY
        self.part.scene = self._scene
        self._plan = []
        bus = VirtualBus()
        bus.attach(self.part)
        self.kernel = Kernel(bus).install(monkeypatch)
        clock = Clock(self.kernel.time.monotonic, self.kernel.time.sleep)
        monkeypatch.setattr(session, "Clock", lambda: clock)

    def _scene(self, now_ms):
        for view, begin_ms, end_ms in self._plan:
            if begin_ms <= now_ms < end_ms:
                return view
        return self.view

    def before(self, view, from_s=0.0, for_s=1e6):
        now_ms = self.kernel.time.now_ms
        self._plan.append((view, now_ms + from_s * 1000, now_ms + (from_s + for_s) * 1000))

    def person(self, skin_c, from_s=1.0, for_s=3.0):
        self.before(View(skin_c, ROOM_C), from_s, for_s)

    @property
    def settings(self):
        return load_gateway(self.toml)

    def run(self, *arguments, keys="\n"):
        result = CliRunner().invoke(
            cli, ["desk", *arguments, "--settings", str(self.toml)], input=keys
        )
        self.kernel.time.sleep(10.0)  # whoever was there has gone
        return result

    def look(self, *arguments, **options):
        result = self.run("look", "--json", *arguments, **options)
        assert result.exit_code == 0, result.output + repr(result.exception)
        return json.loads(result.stdout)

    def kept(self, table):
        settings = self.settings
        return store.newest(settings, settings.desk or Desk(), table, 100)

    def doctor(self):
        return list(doctor_desk.desk(self.settings))
