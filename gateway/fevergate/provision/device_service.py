"""`fevergate provision requests`: adds or removes what an administrator asked for on the pages.

Runs as root, started by fevergate-devices.path when the pages leave a request. An attacker who has
taken over the pages can write requests, too, but gains little by it. There are three actions; a
request is checked again here, and holds names but no paths. At most `MOST_AN_HOUR` requests are
taken in an hour, and each is in the journal, which the pages cannot write. Links in the folder are
never followed.
"""

import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import msgspec

from fevergate.errors import ActionError, BrokerError, FeverGateError
from fevergate.provision import steps
from fevergate.provision.device_request import (
    ANSWER,
    FOLDER,
    MAX_LINES,
    REQUEST,
    DeviceAnswer,
    DeviceRequest,
    Line,
    check,
    read_small,
)
from fevergate.provision.files import check_folder, kiosk_names
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.step_texts import StepText
from fevergate.provision.titles import UNCHANGED, Titles
from fevergate.settings.gateway import load_gateway
from fevergate.system.atomic_file import write_private

MOST_AN_HOUR = 20
HOUR_S = 3600.0
TIMES = "times.json"
"""File with the times (Unix s) of the last requests."""

LOOK_EVERY_S = 1.0


def take(
    folder: Path, state: Path | None = None, now: Callable[[], float] = time.time
) -> Iterator[str]:
    """Take a request and carry it out, if there is one; yields what is done.

    `state` is a folder that only root may write, with the times of earlier requests; if None, the
    folder of the requests has them. A request that cannot be carried out is answered with the
    reason; no error is raised.
    """
    try:
        opened = os.open(folder / FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:  # a link, or no folder
        yield f"refused: {FOLDER}: {error}"
        return
    try:
        content, _ = read_small(opened, REQUEST)
        request = msgspec.json.decode(content, type=DeviceRequest)
        answers = _Answers(opened, request, now)
        answers.write("working")  # before the request goes, so that the pages always see one
        _remove(opened, REQUEST)
        yield from _carry_out(folder, request, answers, state, now)
    except FileNotFoundError:
        return
    except (OSError, msgspec.MsgspecError) as error:
        yield f"refused: {REQUEST}: {error}"
        try:
            _remove(opened, REQUEST)  # else it would be taken again
        except OSError as stuck:
            yield f"stays: {REQUEST}: {stuck}"
    finally:
        os.close(opened)


def _carry_out(
    folder: Path,
    request: DeviceRequest,
    answers: "_Answers",
    state: Path | None,
    now: Callable[[], float],
) -> Iterator[str]:
    yield f"{request.by!r} asks: {request.action} {request.kiosk} {request.gate}".rstrip()
    try:
        _bound_rate(state or folder / FOLDER, now())
        check_folder(folder)
        check(request, load_gateway(folder / SETTINGS), kiosk_names(folder))
        for line in _steps(folder, request):
            answers.lines.append(line.pair)
            answers.write("working")
            yield line
    except ActionError as error:
        answers.write("failed", error.reason)
        yield f"refused: {error}"
    except BrokerError as error:
        answers.write("failed", "device_broker")
        yield f"failed: {error}"
    except (FeverGateError, OSError) as error:
        twin = "is the name of" in str(error)
        answers.write("failed", "twin" if twin else "device_failed")
        yield f"failed: {error}"
    else:
        answers.write("done")


def _steps(folder: Path, request: DeviceRequest) -> Iterator[StepText]:
    if request.action == "remove":
        return steps.revoke(folder, request.kiosk, request.because or f"pages: {request.by}")
    titles = Titles(request.title, "") if request.title else UNCHANGED
    post = request.action == "add_post"
    return steps.add(folder, request.kiosk, request.gate, {}, titles, post=post)


class _Answers:
    """Writes the answer into the folder of the requests, through the folder's open descriptor."""

    def __init__(self, folder: int, request: DeviceRequest, now: Callable[[], float]) -> None:
        self._folder = folder
        self._request = request
        self._now = now
        self.lines: list[Line] = []

    def write(self, state: str, reason: str = "") -> None:
        answer = msgspec.convert(
            {
                "request": msgspec.to_builtins(self._request),
                "state": state,
                "at": self._now(),
                "lines": self.lines[-MAX_LINES:],
                "reason": reason,
            },
            DeviceAnswer,
        )
        beside = f"{ANSWER}.new"
        _remove(self._folder, beside)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        written = os.open(beside, flags, 0o644, dir_fd=self._folder)
        with os.fdopen(written, "wb") as file:
            os.fchmod(written, 0o644)  # owned by root, readable by the pages
            file.write(msgspec.json.encode(answer))
        if _is_folder(self._folder, ANSWER):
            _remove(self._folder, ANSWER)
        os.replace(beside, ANSWER, src_dir_fd=self._folder, dst_dir_fd=self._folder)


def _remove(folder: int, name: str) -> None:
    """Remove a file from an open folder. A folder of that name is renamed instead, whatever is in
    it."""
    with suppress(FileNotFoundError):
        if _is_folder(folder, name):
            aside = f"refused-{secrets.token_hex(8)}"
            os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


def _is_folder(folder: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _bound_rate(state: Path, now: float) -> None:
    """Note one more request. Raises `ActionError` if `MOST_AN_HOUR` others lie within an hour of
    `now`, before or after it: the clock may have been set back."""
    path = state / TIMES
    try:
        earlier = [float(at) for at in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        earlier = []
    recent = [at for at in earlier if abs(now - at) < HOUR_S]
    if len(recent) >= MOST_AN_HOUR:
        raise ActionError("device_often")
    write_private(path, json.dumps([*recent, now]).encode())


@click.command("requests")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--watch", is_flag=True, help="Wait for further requests, until stopped.")
def requests_command(folder: Path, watch: bool) -> None:
    """Add or remove the kiosk or lamp post that an administrator asked for on the pages.

    systemd runs this as root when the pages leave a request (fevergate-devices.path). Where it does
    not, run it by hand, or with --watch beside the pages.

    \b
      sudo fevergate provision requests /etc/fevergate
    """
    state_folder = os.environ.get("STATE_DIRECTORY")  # set by the unit; systemd.exec(5)
    while True:
        for line in take(folder.absolute(), Path(state_folder) if state_folder else None):
            click.echo(line)
        if not watch:
            return
        time.sleep(LOOK_EVERY_S)
