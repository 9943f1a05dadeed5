"""The display's texts in English; see `words`."""

WORDS = {
    "idle": ("Look at", "the mark"),
    "normal": ("Normal", "go in"),
    "fever": ("Too warm", "to guard"),
    "short": ("Again:", "longer"),
    "moving": ("Again:", "be still"),
    "far": ("Again:", "closer"),
    "cold": ("Cold now", "wait"),
    "hot": ("Again:", "face!"),
    "sensor": ("Broken", "to guard"),
    "warm": ("Warm up", "wait"),
    "lens": ("Lens bad", "to guard"),
    "wait": ("Wait", "a moment"),
    "room": ("Bad room", "to guard"),
    "confirm": ("Again:", "stay!"),
    "reference": ("Testing", "not open"),
}
