"""Requests of the pages to add or remove a kiosk or lamp post: one file asks, another answers.

The pages run without root's rights, which the broker's files need. They leave a request in a folder
of their own; `device_service`, which has those rights, takes it, checks it again, and answers
there. A request holds an action (one of three), names and a reason, but no path and no command.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fevergate.errors import ActionError, ProvisionError
from fevergate.protocol.messages import NAME_PATTERN, Name
from fevergate.provision.files import RESERVED
from fevergate.provision.titles import MAX_LENGTH, check_title
from fevergate.settings.gateway import MAX_GATES, GatewaySettings
from fevergate.system.atomic_file import write_private

FOLDER = "requests"
"""Folder of requests and answers, beside gateway.toml."""

REQUEST, ANSWER = "device.json", "device-answer.json"

MAX_BYTES = 16 * 1024
"""A longer request or answer is refused."""

MAX_KIOSKS = 64
"""Most kiosks and lamp posts of a gateway; the pages add no further one."""

MAX_LINES = 16
MAX_REASON = 200
WORKS_S = 600.0
"""An answer that is not finished after this time was interrupted."""

Line = tuple[str, str]
"""A text in Chinese and in English."""


class DeviceRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An administrator's request on the pages to add or remove a kiosk or lamp post. `by` is the
    administrator; `gate` and `title` are for a new device; `because` is why a device is removed."""

    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    action: Literal["add", "add_post", "remove"]
    kiosk: Name
    by: Annotated[str, Meta(min_length=1, max_length=64)]
    gate: Annotated[str, Meta(pattern=NAME_PATTERN.replace("{1,", "{0,"))] = ""
    title: Annotated[str, Meta(max_length=MAX_LENGTH)] = ""
    because: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class DeviceAnswer(msgspec.Struct, frozen=True):
    """The progress of a request: `lines` tell what was done; `reason`, a key of
    `texts.word_tables.ERRORS`, is why it failed."""

    request: DeviceRequest
    state: Literal["waiting", "working", "done", "failed"]
    at: float
    lines: Annotated[list[Line], Meta(max_length=MAX_LINES)] = []
    reason: Annotated[str, Meta(max_length=32)] = ""

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")


def new_request(**values: str) -> DeviceRequest:
    """A request with these values and a new id. Raises `ActionError`."""
    try:
        return msgspec.convert({"id": secrets.token_hex(16)} | values, DeviceRequest)
    except msgspec.ValidationError as error:
        raise ActionError("id") from error


def check(request: DeviceRequest, settings: GatewaySettings, kiosks: list[str]) -> None:
    """Raise `ActionError` if a gateway with these kiosks and lamp posts cannot carry out the
    request."""
    if request.action == "remove":
        if request.kiosk not in kiosks:
            raise ActionError("kiosk")
        return
    if request.kiosk in kiosks or request.kiosk in RESERVED:
        raise ActionError("in_use", request.kiosk)
    if len(kiosks) >= MAX_KIOSKS:
        raise ActionError("many_kiosks")
    if not request.gate:
        raise ActionError("id")
    gates = [gate.name for gate in settings.gates]
    if request.gate not in gates and request.action == "add_post":
        raise ActionError("gate")  # a gate begins with a kiosk: a post measures nobody
    if request.gate not in gates and len(gates) >= MAX_GATES:
        raise ActionError("gates")
    try:
        check_title("name", request.title)
    except ProvisionError as error:
        raise ActionError("title") from error


def ask(folder: Path, request: DeviceRequest, now: float) -> None:
    """Leave a request for the service, one at a time. Raises `ActionError`."""
    answer = read_answer(folder, now)
    if answer and not answer.ended:
        raise ActionError("device_busy")
    try:
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
        write_private(folder / FOLDER / REQUEST, msgspec.json.encode(request))
    except OSError as error:
        raise ActionError("room") from error


def withdraw(folder: Path) -> None:
    """Take a request back that the service has not taken."""
    with suppress(OSError):  # if a folder has that name, the service sets it aside
        (folder / FOLDER / REQUEST).unlink()


def read_answer(folder: Path, now: float) -> DeviceAnswer | None:
    """The state of the last request; None if there was none, or its files are not readable."""
    try:
        opened = os.open(folder / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        with suppress(OSError, msgspec.MsgspecError):
            content, since = read_small(opened, REQUEST)
            request = msgspec.json.decode(content, type=DeviceRequest)
            return DeviceAnswer(request, "waiting", since)
        with suppress(OSError, msgspec.MsgspecError):
            content, _ = read_small(opened, ANSWER)
            answer = msgspec.json.decode(content, type=DeviceAnswer)
            if not answer.ended and not 0 <= now - answer.at < WORKS_S:
                return msgspec.structs.replace(answer, state="failed", reason="device_stopped")
            return answer
    finally:
        os.close(opened)
    return None


def read_small(folder: int, name: str) -> tuple[bytes, float]:
    """Content and time of change of a regular file in an open folder.

    Raises `OSError` for a link, for anything but a file, for a file of more than `MAX_BYTES`, and
    for a file that belongs neither to root nor to the folder's owner.
    """
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(opened, "rb") as file:
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > MAX_BYTES:
            raise OSError(f"{name}: expected a file of at most {MAX_BYTES} bytes")
        if about.st_uid not in (0, os.fstat(folder).st_uid):
            raise OSError(f"{name}: expected a file of root or of the folder's owner")
        return file.read(MAX_BYTES), about.st_mtime
