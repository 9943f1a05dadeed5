"""The figures of `tools/demo --doors`."""

import json
from dataclasses import dataclass, field


@dataclass
class DoorFigures:
    """What `--doors` prints. `shown`: fevers whose red was where it should be and nowhere else;
    `dark`: those without; `misplaced`: with a further red elsewhere; times in ms from the message's
    publication."""

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
        """Whether something was lost or dark; a slow machine alone is no failure."""
        return bool(self.lost or self.duplicated or self.dark or self.misplaced)

    def line(self) -> str:
        """All but `notes`, as a JSON line."""
        return json.dumps({key: value for key, value in vars(self).items() if key != "notes"})
