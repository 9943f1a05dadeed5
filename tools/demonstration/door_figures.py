"""The figures of `tools/demo --doors`."""

import json
from dataclasses import dataclass, field


@dataclass
class DoorFigures:
    """Figures that `--doors` prints. `shown`: fevers with a red light where it should be and
    nowhere else; `dark`: fevers without red there, and cut lines without amber; `misplaced`: fevers
    with another red light elsewhere. Times in ms run from the publication of the message."""

    doors: int
    gateways: int
    on_pins: int
    lamp_posts: int
    without_lamps: int
    real_kiosks: int
    readings: int = 0
    fevers: int = 0
    shown: int = 0
    own_red: int = 0
    dark: int = 0
    misplaced: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    post_lights: int = 0
    post_light_p50_ms: float = 0.0
    post_light_p99_ms: float = 0.0
    bare_p50_ms: float = 0.0
    bare_p99_ms: float = 0.0
    ratio: float = 0.0
    cut_amber_s: float = 0.0
    kiosk_cut_amber_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a reading was lost or duplicated, or a lamp dark or misplaced; slowness is no
        failure."""
        return bool(self.lost or self.duplicated or self.dark or self.misplaced)

    def line(self) -> str:
        """All but `notes`, as a JSON line."""
        return json.dumps({key: value for key, value in vars(self).items() if key != "notes"})
