"""Why an update did not come about, in words: a kiosk and a rollout say it in English."""

import re

from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS

_WHY = (
    (r"not for this board: (?P<board>[a-z0-9-]{1,32})",
     N_("not for its board, {board}: take firmware that is")),
    (r"(?P<version>[\d.]+) did not prove healthy", N_("{version} did not prove healthy")),
    (r"it did not answer", N_("it did not answer")),
    (r"nothing came any more while (?P<state>[a-z ]+)",
     N_("nothing came any more while it was: {state}")),
    (r"it was not done in (?P<hours>\d+) h", N_("it was not done in {hours} h")),
    (r"it asked for (?P<count>\d+) pieces", N_("it asked for {count} pieces")),
    (r"the signature is wrong", N_("it does not know the signature")),
    (r"this kiosk has no update_key.*", N_("it has no key to check updates with: set it up again")),
    (r"an update is on trial.*", N_("an update is on trial there: wait for its end")),
    (r"issued: .*", N_("an offer that is as new was taken already")),
    (r"compiled for \.mpy \d+, this board takes \d+",
     N_("compiled for another MicroPython than its own")),
    (r"(?P<version>[\d.]+) is not above (?P<runs>[\d.]+), which runs",
     N_("{version} is not newer than {runs}, which runs")),
    (r"the bundle's digest is not the one that was signed",
     N_("what came is not what was signed")),
    (r"flash: .*", N_("Its memory cannot be written.")),
    (r"memory: .*", N_("it has not enough free memory")),
    (r"another offer came", N_("another update was offered meanwhile")),
    (r"no piece at \d+ came", N_("a part of it did not come")),
)  # fmt: skip
"""Patterns of `kiosks.rollout` and the firmware's update_install.py, and their sentences."""


def why_in_words(text: str, say: Say) -> str:
    """Why, as people read it; what is not known here, as of newer firmware, as it came."""
    for pattern, words in _WHY:
        if match := re.fullmatch(pattern, text):
            values = match.groupdict()
            if "state" in values:
                values["state"] = say(LABELS.get(values["state"], values["state"]))
            return say(words, **values)
    return text
