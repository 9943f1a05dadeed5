"""What the display says, in the campus's language; a head line and what to do.

Four Chinese characters or eight letters a line fill it: 5 mm on the smallest glass, for whom
stands a metre away. A verdict shows its digits and its second line.
"""

WORDS = {
    "zh": {
        "idle": ("请看标记", "测量体温"),
        "normal": ("体温正常", "正常请进"),
        "fever": ("体温偏高", "请找保安"),
        "short": ("请再测量", "站久一点"),
        "moving": ("请再测量", "站着别动"),
        "far": ("请再测量", "靠近一点"),
        "cold": ("皮肤太冷", "稍后再测"),
        "hot": ("请再测量", "只测脸部"),
        "sensor": ("设备故障", "请找保安"),
        "lens": ("镜头脏了", "请找保安"),
        "wait": ("请稍等候", "正在稳定"),
        "room": ("室温不宜", "请找保安"),
        "confirm": ("再测一次", "请别走开"),
        "reference": ("正在校准", "请勿使用"),
    },
    "en": {
        "idle": ("Look at", "the mark"),
        "normal": ("Normal", "go in"),
        "fever": ("Too warm", "to guard"),
        "short": ("Again:", "longer"),
        "moving": ("Again:", "be still"),
        "far": ("Again:", "closer"),
        "cold": ("Cold now", "wait"),
        "hot": ("Again:", "face!"),
        "sensor": ("Broken", "to guard"),
        "lens": ("Lens bad", "to guard"),
        "wait": ("Wait", "a moment"),
        "room": ("Bad room", "to guard"),
        "confirm": ("Again:", "stay!"),
        "reference": ("Testing", "not open"),
    },
}
