"""Names that people give, and the commands that add, replace or remove a device.

Names are written into gateway.toml from here. A device's credential is not: the broker's files
belong to the broker's own user, and to read them anew it must be told by root, which the pages are
not. So the page checks what is asked for and shows the command that does it.
"""

import shlex
import threading
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from tomlkit import TOMLDocument

from fevergate.errors import ActionError, FeverGateError, ProvisionError
from fevergate.provision.files import RESERVED, check_names, read_toml, write_toml
from fevergate.provision.gates import PIN_SETS
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.titles import (
    MAX_LENGTH,
    Titles,
    check_title,
    set_gate_titles,
    set_kiosk_titles,
    set_titles,
)
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.web.context import Shared
from fevergate.web_common.routes import Form, get, post


class DevicePages:
    """/admin/devices, and a kiosk's name."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self.routes = [
            get("/admin/devices", self.devices),
            post("/admin/devices/add", self.add),
            post("/admin/devices/names", self.name_places),
            post("/admin/kiosks/{kiosk:str}/name", self.name_kiosk),
        ]

    def devices(
        self,
        request: Request,
        error: ActionError | None = None,
        given: Form | None = None,
        command: str = "",
    ) -> Response:
        """Show names and forms; after one was refused why, or the command that was asked for."""
        settings = self._shared.settings
        return self._shared.page(
            request,
            "devices.html",
            400 if error else 200,
            gates=settings.gates,
            most_gates=len(PIN_SETS),
            most=MAX_LENGTH,
            error=error,
            given=given or {},
            command=command,
            removals={kiosk: command_to("revoke", settings, kiosk) for kiosk in settings.kiosks},
        )

    def add(self, request: Request, form: Form) -> Response:
        """Check a new kiosk's name and gate, and show the command that adds it."""
        kiosk, gate, title = (form[name].strip() for name in ("kiosk", "gate", "title"))
        settings = self._shared.settings
        try:
            check_names("kiosk", [kiosk])
            check_names("gate", [gate])
        except ProvisionError:
            return self.devices(request, ActionError("id"), form)
        try:
            title = check_title("name", title)
        except ProvisionError:
            return self.devices(request, ActionError("title"), form)
        known = [place.name for place in settings.gates]
        if kiosk in settings.kiosks or kiosk in RESERVED:
            return self.devices(request, ActionError("taken", kiosk), form)
        if gate not in known and len(known) >= len(PIN_SETS):
            return self.devices(request, ActionError("gates"), form)
        more = ["--gate", gate, *(["--title", title] if title else [])]
        return self.devices(
            request, given=form, command=command_to("kiosk", settings, kiosk, *more)
        )

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
        self._shared.settings.expect_kiosks(kiosk)
        try:
            self._rename(lambda document: set_kiosk_titles(document, kiosk, _checked(titles)))
        except ActionError as error:
            return self.devices(request, error, form)
        self._shared.note(request, "name kiosk", f"{kiosk} {' '.join(filter(None, titles))}")
        return RedirectResponse(f"/admin/kiosks/{kiosk}", 303)

    def _rename(self, change: Callable[[TOMLDocument], None]) -> None:
        """Change gateway.toml, and the names that the pages know. Raises `ActionError`."""
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
                raise ActionError("settings_file", str(error)) from error


def take_names(settings: GatewaySettings, read: GatewaySettings) -> None:
    """Take the names of settings that were read anew into those in use."""
    settings.title, settings.title_en = read.title, read.title_en
    settings.kiosk_titles = read.kiosk_titles
    named = {gate.name: gate for gate in read.gates}
    for gate in settings.gates:
        if gate.name in named:
            gate.title, gate.title_en = named[gate.name].title, named[gate.name].title_en


def command_to(what: str, settings: GatewaySettings, name: str, *more: str) -> str:
    """A `fevergate provision` command for whoever is at the gateway's terminal."""
    parts: list[str] = ["sudo", "fevergate", "provision", what, str(settings.folder), name, *more]
    return shlex.join(parts)


def _titles(form: Form, whose: str) -> Titles:
    return Titles(form[f"{whose}-title"].strip(), form[f"{whose}-title_en"].strip())


def _checked(titles: Titles) -> Titles:
    values: list[Any] = [check_title("name", title or "") for title in titles]
    return Titles(*values)
