"""Translates the reason why an update failed, which kiosks and rollouts give in English."""

import re

from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS

_WHY = (
    (r"not for this board: (?P<board>[a-z0-9-]{1,32})",
     N_("not for its board, {board}: take firmware that is")),
    (r"(?P<version>[\d.]+) did not prove healthy", N_("{version} did not prove healthy")),
    (r"it did not answer", N_("it did not answer")),
    (r"nothing came any more while (?P<state>[a-z ]+)",
     N_("it fell silent in this state: {state}")),
    (r"it was not done in (?P<hours>\d+) h", N_("it was not done in {hours} h")),
    (r"it asked for (?P<count>\d+) pieces", N_("it asked for {count} pieces")),
    (r"the signature is wrong", N_("it does not accept the signature")),
    (r"this kiosk has no update_key.*", N_("it has no key to check updates with: set it up again")),
    (r"an update is on trial.*", N_("an update is on trial there: wait for its end")),
    (r"issued: .*", N_("it has already taken an offer at least as new")),
    (r"compiled for \.mpy \d+, this board takes \d+",
     N_("compiled for another version of MicroPython than its own")),
    (r"(?P<version>[\d.]+) is not above (?P<runs>[\d.]+), which runs",
     N_("{version} is not newer than {runs}, which runs")),
    (r"the bundle's digest is not the one that was signed",
     N_("the firmware that arrived is not what was signed")),
    (r"flash: .*", N_("Its memory cannot be written.")),
    (r"memory: .*", N_("it has not enough free memory")),
    (r"another offer came", N_("another update was offered meanwhile")),
    (r"no piece at \d+ came", N_("a part of it did not arrive")),
)  # fmt: skip
"""Patterns of the reasons given by `kiosks.rollout` and by the firmware's update_install.py, each
with the sentence that people read."""


def why_in_words(text: str, say: Say) -> str:
    """The reason in the reader's language; one that is unknown here, such as a newer firmware's, is
    returned unchanged."""
    for pattern, words in _WHY:
        if match := re.fullmatch(pattern, text):
            values = match.groupdict()
            if "state" in values:
                values["state"] = say(LABELS.get(values["state"], values["state"]))
            return say(words, **values)
    return text
