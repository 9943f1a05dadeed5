"""Names that people give, and devices that are added or removed.

The pages write names into gateway.toml, but not a device's credential: the broker's files belong to
the broker's own user, and only root may tell the broker to reload them. Therefore the pages leave a
request for a service with root's rights (`provision.device_service`), and show its answer.
"""

import logging
import shlex
import threading
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from tomlkit import TOMLDocument

from fevergate.errors import ActionError, FeverGateError, ProvisionError
from fevergate.provision.device_request import (
    MAX_REASON,
    DeviceRequest,
    ask,
    check,
    new_request,
    read_answer,
    withdraw,
)
from fevergate.provision.files import kiosk_names, read_toml, write_toml
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.titles import (
    MAX_LENGTH,
    Titles,
    check_title,
    set_gate_titles,
    set_kiosk_titles,
    set_titles,
)
from fevergate.settings.gateway import MAX_GATES, GatewaySettings, load_gateway
from fevergate.web.context import Shared
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post

log = logging.getLogger(__name__)

TAKEN_WITHIN_S = 30.0
"""If no service takes a request within this time (s), the page shows the command instead. A Pi
starts the service in a few seconds."""

REQUEST_PAGE = "/admin/devices/request"


class DevicePages:
    """/admin/devices, and a kiosk's name."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self.routes = [
            get("/admin/devices", self.devices),
            post("/admin/devices/add", self.add),
            post("/admin/devices/add-post", self.add_post),
            post("/admin/devices/remove", self.remove),
            get(REQUEST_PAGE, self.request),
            post("/admin/devices/withdraw", self.withdraw),
            post("/admin/devices/names", self.name_places),
            post("/admin/kiosks/{kiosk:str}/name", self.name_kiosk),
        ]

    def devices(
        self, request: Request, error: ActionError | None = None, given: Form | None = None
    ) -> Response:
        """Show names and forms; `error`: why a form was refused."""
        settings = self._shared.settings
        answer = read_answer(settings.folder, time.time())
        return self._shared.page(
            request,
            "devices.html",
            gates=settings.gates,
            most_gates=MAX_GATES,
            most=MAX_LENGTH,
            most_reason=MAX_REASON,
            error=error,
            given=given or {},
            under_way=bool(answer and not answer.ended),
            kiosks=list(settings.devices),
        )

    def add(self, request: Request, form: Form) -> Response:
        """Request a new kiosk at a gate."""
        return self._ask(request, form, action="add", **_new(form))

    def add_post(self, request: Request, form: Form) -> Response:
        """Request a new lamp post at a gate."""
        return self._ask(request, form, action="add_post", **_new(form))

    def remove(self, request: Request, form: Form) -> Response:
        """Request the removal of a kiosk or lamp post: its password ends at once."""
        because = form["because"].strip()[:MAX_REASON]
        return self._ask(request, form, action="remove", kiosk=form["kiosk"], because=because)

    def _ask(self, request: Request, form: Form, **values: str) -> Response:
        settings = self._shared.settings
        try:
            if len(values.get("title", "")) > MAX_LENGTH:
                raise ActionError("title")
            device_request = new_request(**values, by=session_of(request).user)
            check(device_request, settings, kiosk_names(settings.folder))
            with self._lock:
                ask(settings.folder, device_request, time.time())
        except ActionError as error:
            return self.devices(request, error, form)
        text = " ".join(
            filter(
                None,
                (
                    device_request.kiosk,
                    device_request.gate,
                    device_request.title,
                    device_request.because,
                ),
            )
        )
        a_post = device_request.action == "add_post" or device_request.kiosk in settings.posts
        action = device_request.action.removesuffix("_post")
        self._shared.note(request, f"{action} {'post' if a_post else 'kiosk'}", text[:500])
        return RedirectResponse(REQUEST_PAGE, 303)

    def request(self, request: Request) -> Response:
        """Show the progress of the last request."""
        settings, now = self._shared.settings, time.time()
        answer = read_answer(settings.folder, now)
        if answer is None:
            return RedirectResponse("/admin/devices", 303)
        return self._shared.page(
            request,
            "device_request.html",
            answer=answer,
            asked=answer.request,
            now=now,
            nobody=answer.state == "waiting" and not 0 <= now - answer.at < TAKEN_WITHIN_S,
            command=_command_for(settings, answer.request),
        )

    def withdraw(self, request: Request, _form: Form) -> Response:
        """Withdraw a request that the service has not taken."""
        withdraw(self._shared.settings.folder)
        self._shared.note(request, "withdraw device")
        return RedirectResponse("/admin/devices", 303)

    def name_places(self, request: Request, form: Form) -> Response:
        """Change the names of the campus and its gates."""
        settings = self._shared.settings
        gates = {gate.name: _titles(form, f"gate-{gate.name}") for gate in settings.gates}
        campus = _titles(form, "campus")

        def change(document: TOMLDocument) -> None:
            set_titles(document, _checked(campus))
            set_gate_titles(document, {name: _checked(titles) for name, titles in gates.items()})

        try:
            self._rename(change)
        except ActionError as error:
            return self.devices(request, error, form)
        self._shared.note(request, "name places", " ".join(filter(None, campus))[:200])
        return RedirectResponse("/admin/devices#names", 303)

    def name_kiosk(self, request: Request, form: Form) -> Response:
        """Change what people call a kiosk."""
        kiosk, titles = request.path_params["kiosk"], _titles(form, "kiosk")
        self._shared.settings.expect_devices(kiosk)
        try:
            self._rename(lambda document: set_kiosk_titles(document, kiosk, _checked(titles)))
        except ActionError as error:
            return self.devices(request, error, form)
        self._shared.note(request, "name kiosk", f"{kiosk} {' '.join(filter(None, titles))}")
        return RedirectResponse(f"/admin/kiosks/{kiosk}", 303)

    def _rename(self, change: Callable[[TOMLDocument], None]) -> None:
        """Change gateway.toml, and the names that the pages use. Raises `ActionError`."""
        settings = self._shared.settings
        path = settings.path(SETTINGS)
        with self._lock:
            try:
                document = read_toml(path)
                change(document)
                write_toml(path, document)
                take_names(settings, load_gateway(path))
            except ProvisionError as error:
                twin = "is the name of" in str(error)
                raise ActionError("twin" if twin else "title") from error
            except (FeverGateError, OSError) as error:
                log.error("names: %s", error)
                raise ActionError("settings_file") from error


def take_names(settings: GatewaySettings, read: GatewaySettings) -> None:
    """Copy the names of newly read settings into the settings in use."""
    settings.title, settings.title_en = read.title, read.title_en
    settings.kiosk_titles = read.kiosk_titles
    gates = {gate.name: gate for gate in read.gates}
    for gate in settings.gates:
        if gate.name in gates:
            gate.title, gate.title_en = gates[gate.name].title, gates[gate.name].title_en


def command_to(command: str, settings: GatewaySettings, name: str, *options: str) -> str:
    """A `fevergate provision` command to be typed at the gateway's terminal."""
    parts: list[str] = [
        "sudo",
        "fevergate",
        "provision",
        command,
        str(settings.folder),
        name,
        *options,
    ]
    return shlex.join(parts)


def _command_for(settings: GatewaySettings, device_request: DeviceRequest) -> str:
    """The terminal command that does what was requested."""
    if device_request.action == "remove":
        options = ["--because", device_request.because] if device_request.because else []
        return command_to("revoke", settings, device_request.kiosk, *options)
    options = ["--title", device_request.title] if device_request.title else []
    command = "post" if device_request.action == "add_post" else "kiosk"
    return command_to(
        command, settings, device_request.kiosk, "--gate", device_request.gate, *options
    )


def _new(form: Form) -> dict[str, str]:
    return {name: form[name].strip() for name in ("kiosk", "gate", "title")}


def _titles(form: Form, prefix: str) -> Titles:
    return Titles(form[f"{prefix}-title"].strip(), form[f"{prefix}-title_en"].strip())


def _checked(titles: Titles) -> Titles:
    values: list[Any] = [check_title("name", title or "") for title in titles]
    return Titles(*values)
