"""What an administrator sends to kiosks from the pages: identify, settings, firmware."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from fevergate.crypto.pki import UPDATE_KEY, read_update_key
from fevergate.errors import (
    ActionError,
    BrokerError,
    CompilerError,
    FeverGateError,
    UpdateError,
)
from fevergate.kiosks import remote_settings
from fevergate.kiosks.firmware_bundle import Bundle, build, read
from fevergate.kiosks.remote_settings import FIELDS, current, values_of
from fevergate.kiosks.rollout import AWAY, DONE, Progress, Rollout
from fevergate.mqtt.one_shot import publish_once
from fevergate.protocol.messages import Command, KioskSettings, encode
from fevergate.protocol.topics import Topic
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.web_common.routes import whole_number

log = logging.getLogger(__name__)

BUNDLES = "updates"
"""Folder beside the settings, with bundles made by `fevergate update --save`."""

BUILT_IN = ""
"""Name of the bundle that is built from the shipped firmware."""

MAX_AT_ONCE = 4
"""Most kiosks that are updated at a time, once the first has been updated alone."""


def identify(settings: GatewaySettings, kiosk: str) -> None:
    """Make a kiosk blink, chirp and show its name. Raises `BrokerError`."""
    topic = str(Topic(settings.campus, kiosk, "command"))
    publish_once(settings.as_user("admin"), topic, encode(Command(command="identify", on=True)))


def retained_settings(settings: GatewaySettings, kiosk: str) -> KioskSettings:
    """The settings that the broker retains for a kiosk. Raises `BrokerError`."""
    return current(settings.as_user("admin"), kiosk)


def set_from_form(settings: GatewaySettings, kiosk: str, form: Mapping[str, str]) -> KioskSettings:
    """Set a kiosk to the form's values; an empty field takes the kiosk's own setting.

    The form's `version` must be the retained one: an older form would undo changes that it never
    showed. Raises `KioskValueError`, `ActionError`, `BrokerError`.
    """
    fields = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
    values = values_of(fields)
    with open_reader(settings.path(settings.database)) as reader:
        return remote_settings.set_values(
            settings.as_user("admin"),
            reader,
            kiosk,
            values,
            reset=True,
            shown_version=whole_number(form.get("version", ""), 10),
        )


def set_several(settings: GatewaySettings, kiosks: list[str], form: Mapping[str, str]) -> None:
    """Set the given values on some kiosks, and leave their other values unchanged. Raises
    `KioskValueError` before anything is sent, `BrokerError`."""
    values = values_of(form)
    with open_reader(settings.path(settings.database)) as reader:
        for kiosk in kiosks:
            remote_settings.set_values(settings.as_user("admin"), reader, kiosk, values)


class Updates:
    """Runs one firmware rollout at a time in a thread, and reports its progress."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._progress: dict[str, Progress] = {}
        self.version = ""
        self.failed = ""
        """Kiosks that lack the new firmware, or `broker_lost`."""

    @property
    def running(self) -> bool:
        """Whether a rollout is under way."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def progress(self) -> list[Progress]:
        """The progress of each kiosk of the last rollout."""
        with self._lock:
            return list(self._progress.values())

    def bundles(self) -> list[str]:
        """The names of the bundle files that can be chosen."""
        folder = self._folder()
        return sorted(path.name for path in folder.glob("*.bundle")) if folder.is_dir() else []

    def start(self, kiosks: list[str], name: str, *, downgrade: bool) -> None:
        """Begin to roll out a bundle, first to one kiosk alone. Raises `ActionError`."""
        if self.running:
            raise ActionError("busy", "")
        bundle = self._bundle(name)
        try:
            key = read_update_key(self._settings.path(UPDATE_KEY))
        except FeverGateError as error:
            log.error("update: %s", error)
            raise ActionError("key") from error
        with self._lock:
            self._progress = {kiosk: Progress(kiosk) for kiosk in kiosks}
        self.version, self.failed = bundle.version, ""
        work = Rollout(
            self._settings.as_user("admin"), bundle, key, self._moved, downgrade=downgrade
        )
        self._thread = threading.Thread(
            target=self._run, args=(work, kiosks), name="update", daemon=True
        )
        self._thread.start()

    def _run(self, work: Rollout, kiosks: list[str]) -> None:
        try:
            with work.connected():
                ended = work.run(kiosks, MAX_AT_ONCE)
        except BrokerError as error:
            log.error("update: %s", error)
            self.failed = "broker_lost"
            return
        left = set(kiosks) - {progress.kiosk for progress in ended}
        if left or any(progress.state not in (DONE, AWAY) for progress in ended):
            self.failed = ", ".join(sorted(left))

    def _moved(self, progress: Progress) -> None:
        with self._lock:
            self._progress[progress.kiosk] = progress

    def _bundle(self, name: str) -> Bundle:
        try:
            if name == BUILT_IN:
                return build(None)
            if name not in self.bundles():
                raise ActionError("bundle", name)
            return read(self._folder() / name)
        except UpdateError as error:
            log.error("update: %s", error)
            raise ActionError("bundle", name) from error
        except CompilerError as error:
            log.error("update: %s", error)
            raise ActionError("compiler") from error

    def _folder(self) -> Path:
        return self._settings.path(BUNDLES)
