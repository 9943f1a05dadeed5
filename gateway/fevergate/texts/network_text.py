"""Explains in Chinese why a connection failed; the system and its libraries say it in English."""

import re

from fevergate.texts.translations import N_, Pair, translator

REASONS = (
    ("Connection refused", N_("nothing accepts connections at that address and port")),
    (r"timed out|no answer in \d+ s", N_("no answer in time")),
    ("No route to host|Network is unreachable", N_("no way through the network")),
    (
        "Name or service not known|Temporary failure in name resolution"
        "|No address associated with hostname",
        N_("the name server does not know that name, or does not answer"),
    ),
    (
        "certificate has expired|certificate is not yet valid",
        N_("its certificate is not valid today: look at the clocks, then renew it"),
    ),
    (
        "Hostname mismatch|IP address mismatch|certificate is not valid for",
        N_("its certificate is for another name"),
    ),
    (
        "self.signed certificate|unable to get (local )?issuer certificate",
        N_("its certificate is from an authority that is not trusted here"),
    ),
    (
        r"Not authorized|Bad user name or password|\b535\b",
        N_("user name or password are not accepted"),
    ),
)
"""What Linux, OpenSSL, mosquitto and mail servers write, and what it means."""


def explained(text: str, language: str) -> str:
    """An error's text; in Chinese with an explanation before it, if one of `REASONS` fits."""
    if language == "zh":
        for pattern, words in REASONS:
            if re.search(pattern, text):
                return f"{translator(language)(words)}（{text}）"
    return text


def connection_error(error: object) -> Pair:
    """The text of an error in both languages, as `explained` gives it."""
    return explained(str(error), "zh"), str(error)
