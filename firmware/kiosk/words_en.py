"""The display's texts in English; see `words`."""

WORDS = {
    "idle": ("Look at", "the mark"),
    "normal": ("Normal", "go in"),
    "stop": ("No entry", "Guard ->"),
    "ask": ("Normal", "Guard ->"),
    "fever": ("Too warm", "Guard ->"),
    "short": ("Again:", "longer"),
    "moving": ("Again:", "be still"),
    "far": ("Again:", "closer"),
    "low": ("Too low?", "Guard ->"),
    "cold": ("Cold now", "wait"),
    "hot": ("Move hot", "item off"),
    "sensor": ("Broken", "Guard ->"),
    "warm": ("Warm up", "wait"),
    "lens": ("Lens bad", "Guard ->"),
    "wait": ("Wait", "a moment"),
    "room": ("Bad room", "Guard ->"),
    "confirm": ("Again:", "stay!"),
    "reference": ("Testing", "not open"),
}
