"""What the display says, in the campus's language; a head line and what to do."""

WORDS = {
    "zh": {
        "idle": ("请看标记", "测量体温"),
        "normal": ("正常", "请进"),
        "fever": ("体温偏高", "请找保安"),
        "short": ("请重测", "再站久一点"),
        "moving": ("请重测", "请站着别动"),
        "far": ("请重测", "请靠近一点"),
        "cold": ("皮肤太冷", "请稍后再测"),
        "hot": ("请重测", "只测脸部"),
        "sensor": ("设备故障", "请找保安"),
        "wait": ("请稍等", "设备正在稳定"),
        "room": ("室温不宜", "请找保安"),
        "confirm": ("再测一次", "请别走开"),
        "reference": ("正在校准", "请勿使用"),
    },
    "en": {
        "idle": ("Look at mark", "to be measured"),
        "normal": ("Normal", "please go in"),
        "fever": ("Too warm", "see the guard"),
        "short": ("Once more", "stay longer"),
        "moving": ("Once more", "hold still"),
        "far": ("Once more", "step closer"),
        "cold": ("Skin cold", "wait, try later"),
        "hot": ("Once more", "face only"),
        "sensor": ("Out of order", "see the guard"),
        "wait": ("Please wait", "sensor settling"),
        "room": ("Room too cold", "or hot: see guard"),
        "confirm": ("Once more", "please stay here"),
        "reference": ("Calibrating", "not in use"),
    },
}
