"""A kiosk's settings side by side: what is set from here, what is in force, and the kiosk's
answer."""

from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import FeverGateError
from fevergate.kiosks.remote_settings import Answer, answers, current_of_all
from fevergate.kiosks.setting_words import SETTINGS, as_form, field_text
from fevergate.protocol.messages import KioskSettings
from fevergate.provision.kiosks import settings_of
from fevergate.settings.gateway import GatewaySettings
from kiosk.settings import Settings


class ValuesNow(Struct, kw_only=True):
    """The settings of one kiosk, each as the text of a form.

    `given`: set from here; `own`: from the kiosk's file; `in_force`: what the kiosk uses, without
    settings for which that is not known here. `state` is `own` (nothing is set from here),
    `in_force`, `waiting` or `refused`; if refused, `error` is the kiosk's answer.
    """

    kiosk: str
    version: int
    given: dict[str, str]
    own: dict[str, str]
    in_force: dict[str, str]
    state: str
    error: str = ""


def read_values(settings: GatewaySettings, database: Database) -> dict[str, ValuesNow]:
    """The settings of every kiosk, by its name. Raises `BrokerError`."""
    retained = current_of_all(settings.as_user("admin"))
    last = answers(database)
    return {
        kiosk: values_now(
            settings, kiosk, retained.get(kiosk, KioskSettings()), last.get(kiosk, Answer())
        )
        for kiosk in settings.kiosks
    }


def values_now(
    settings: GatewaySettings, kiosk: str, retained: KioskSettings, answer: Answer
) -> ValuesNow:
    """The settings of a kiosk, from what is retained for it and what it answered."""
    sent = as_form(retained.values)
    installed = own_values(settings, kiosk)
    if not retained.version:
        state, in_force = "own", installed if not answer.version else {}
    elif answer.error:
        state, in_force = "refused", installed if not answer.version else {}
    elif answer.version >= retained.version:
        state, in_force = "in_force", installed | sent
    else:
        state, in_force = "waiting", installed if not answer.version else {}
    return ValuesNow(
        kiosk=kiosk,
        version=retained.version,
        given=sent,
        own=installed,
        in_force=in_force,
        state=state,
        error=answer.error if state == "refused" else "",
    )


def own_values(settings: GatewaySettings, kiosk: str) -> dict[str, str]:
    """Settings in the kiosk's own file; empty if the file cannot be read here."""
    try:
        installed = Settings(settings_of(settings.folder, kiosk))
    except (FeverGateError, OSError, ValueError):
        return {}
    values = {
        name: field_text(getattr(installed, name)) for name in SETTINGS if hasattr(installed, name)
    }
    return values | {
        "quiet": f"{installed.quiet_from}-{installed.quiet_to}" if installed.quiet_from else ""
    }
