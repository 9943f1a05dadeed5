"""Messages of the `fevergate provision` commands, in the campus's language."""

from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, Pair, both

MESSAGES = {
    "runs": N_("broker, gateway and pages run"),
    "to_run": N_(
        "for mosquitto to use it: cp -r {folder}/systemd/* /etc/systemd/system/, and restart it"
    ),
    "upgraded": N_("the broker has what this version gives it: {names}"),
    "upgrade_same": N_("the broker has what this version gives it"),
    "upgrade_none": N_(
        "no broker runs here: its files stay; run fevergate provision gateway once more"
    ),
    "next": N_(
        "next: fevergate flash for each board, fevergate provision labels, fevergate doctor"
    ),
    "added": N_("{kiosk}: stands at gate {gate}"),
    "changed": N_("{kiosk}: changed; its board needs it"),
    "board": N_("{kiosk}: now its board, by `fevergate flash` or by phone"),
    "broker": N_("the broker has read it"),
    "no_broker": N_("no broker runs here; it counts from its start"),
    "started": N_("gateway and pages started anew"),
    "to_start": N_(
        "start gateway and pages anew, if they run: systemctl restart fevergate-gateway"
        " fevergate-web"
    ),
    "unlit": N_(
        "gate {gate} has no lamps: its red is on the kiosk and the pages alone; --watched-by"
        " shows it on another gate's lamps"
    ),
    "watched": N_("gate {gate} has no lamps: its red is on those of gate {watcher}, too"),
    "post_added": N_("{kiosk}: a lamp post of gate {gate}"),
    "revoked": N_("{kiosk}: its credential is gone; its readings stay"),
    "post_revoked": N_("{kiosk}: its credential is gone; its lamps turn amber"),
    "refused": N_("seen: the broker refuses it"),
    "last": N_("gate {gate} has no other kiosk, and is amber until one is added"),
    "wifi": N_("if it was stolen: it holds the password of the Wi-Fi {ssid}; change that"),
    "renewed": N_("renewed: {names}"),
    "new_authority": N_(
        "the authority has the same key: boards keep their line; each takes the new ca.der"
        " when it is next written (fevergate flash, provision kiosk --port), and then connects"
        " without a clock, too"
    ),
    "none_due": N_("no certificate is near its end"),
    "authority": N_(
        "the authority ends in {days} days; the whole campus must be provisioned anew before"
    ),
    "labels": N_("{count} labels: {path}"),
    "loopback": N_(
        "the codes point at this machine ({url}); give --url as a telephone reaches the pages"
    ),
    "campus": N_("start the campus server anew, if it runs: systemctl restart fevergate-campus"),
    "campus_started": N_("the campus server runs"),
    "token": N_("{name}: its token is gone; it must still report, so that its silence shows"),
}
"""Messages by key."""


class StepText(str):
    """A message in one language; `pair` has it in Chinese and in English."""

    pair: Pair


def message(settings: GatewaySettings | None, key: str, **values: object) -> StepText:
    """A message in the language of the settings; in English without settings. A value may be a pair
    of texts in Chinese and in English."""
    pair = both(MESSAGES[key], **values)
    text = StepText(pair[0] if settings and settings.language == "zh" else pair[1])
    text.pair = pair
    return text
