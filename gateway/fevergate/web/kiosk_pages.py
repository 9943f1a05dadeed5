"""Pages of the kiosks: state, history, calibration, firmware, settings, setup codes."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import ActionError, BrokerError, KioskValueError
from fevergate.kiosks.remote_settings import FIELDS, Answer
from fevergate.kiosks.setting_words import POST_SETTINGS, SETTINGS
from fevergate.settings.gateway import KioskTitle
from fevergate.texts.translations import translator
from fevergate.web import kiosk_actions, threshold_cost
from fevergate.web.context import Shared
from fevergate.web.device_pages import command_to
from fevergate.web.kiosk_state import strip
from fevergate.web.kiosk_values import values_now
from fevergate.web.passer_pages import NamedPasser, named
from fevergate.web.setup_codes import SetupCode, SetupCodes
from fevergate.web_common.middleware import address_of
from fevergate.web_common.routes import Form, get, post


class KioskPages:
    """/admin/kiosks and below, and /setup, where a new board fetches its settings."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._codes = SetupCodes(shared.settings)
        self.routes = [
            get("/admin/kiosks", self.kiosks),
            post("/admin/kiosks/update", self.update),
            get("/admin/kiosks/{kiosk:str}", self.kiosk),
            post("/admin/kiosks/{kiosk:str}/identify", self.identify),
            post("/admin/kiosks/{kiosk:str}/settings", self.settings),
            post("/admin/kiosks/{kiosk:str}/setup-code", self.setup_code),
            get("/setup/{name:str}", self.fetch),
        ]

    def kiosks(self, request: Request, error: ActionError | None = None) -> Response:
        """Show all kiosks; `error`: why an update did not begin."""
        return self._shared.page(
            request,
            "kiosks.html",
            kiosks=self._shared.kiosks(),
            updates=self._shared.updates,
            updatable=self._updatable(),
            error=error,
        )

    def identify(self, request: Request, _form: Form) -> Response:
        """Make a kiosk blink, chirp and show its name."""
        name = self._name(request)
        try:
            kiosk_actions.identify(self._shared.settings, name)
        except BrokerError:
            return self.kiosk(request, ActionError("broker"), status=503)
        self._shared.note(request, "identify", name)
        return RedirectResponse(f"/admin/kiosks/{name}?done=identify", 303)

    def settings(self, request: Request, form: Form) -> Response:
        """Set a kiosk's values."""
        name = self._name(request)
        self._shared.settings.expect_devices(name)
        try:
            kiosk_actions.set_from_form(self._shared.settings, name, form)
        except KioskValueError as error:
            return self.kiosk(request, None, form, 400, wrong=error)
        except ActionError as error:
            return self.kiosk(request, error, form, 400)
        except BrokerError:
            return self.kiosk(request, ActionError("broker"), form, 503)
        values = {name: form[name] for name in FIELDS if form[name]}
        self._shared.note(request, "settings", f"{name} {values}"[:500])
        return RedirectResponse(f"/admin/kiosks/{name}?done=settings#top", 303)

    def setup_code(self, request: Request, _form: Form) -> Response:
        """Make a setup code with which a board becomes this kiosk, and show it once."""
        name = self._name(request)
        try:
            code = self._codes.issue(name)
        except ActionError as error:
            return self.kiosk(request, error, status=503)
        self._shared.note(request, "setup code", name)
        return self.kiosk(request, code=code)

    def fetch(self, request: Request) -> Response:
        """Answer a board with its kiosk's encrypted file, once. It is the only page here that needs
        no session."""
        sealed_file = self._codes.take(request.path_params["name"])
        if sealed_file is None:
            return Response("no such code", 404)
        kiosk, sealed = sealed_file
        self._shared.store.note("-", "setup code used", f"{kiosk} {address_of(request)}")
        return Response(sealed, media_type="application/octet-stream")

    def update(self, request: Request, form: Form) -> Response:
        """Roll out firmware to one kiosk or to all."""
        updatable, bundle = self._updatable(), form["bundle"]
        kiosks = updatable if form["kiosk"] == "*" else [form["kiosk"]]
        if not set(kiosks) <= set(updatable):
            raise HTTPException(404)
        try:
            self._shared.updates.start(kiosks, bundle, downgrade=form["downgrade"] == "1")
        except ActionError as error:
            return self.kiosks(request, error)
        self._shared.note(request, "update", f"{', '.join(kiosks)} {bundle}".strip())
        return RedirectResponse("/admin/kiosks", 303)

    def kiosk(
        self,
        request: Request,
        error: ActionError | None = None,
        given: Form | None = None,
        status: int = 200,
        code: SetupCode | None = None,
        wrong: KioskValueError | None = None,
    ) -> Response:
        """Show a kiosk and its history of two weeks. After a refused form: the reason (`error`, or
        `wrong` for one value) and what was `given`. `code`: a new setup code."""
        settings, history = self._shared.settings, self._shared.kiosk(request.path_params["kiosk"])
        name, now = history.kiosk.kiosk, None
        try:
            retained = kiosk_actions.retained_settings(settings, name)
            answer = Answer(history.kiosk.settings_version, history.kiosk.settings_error)
            now = values_now(settings, name, retained, answer)
        except BrokerError:
            pass
        tapped = self._tapped(request, name, history.kiosk.gate)
        health = history.kiosk.health
        site = health.site if health else ""
        with self._shared.reader() as reader:
            costs = threshold_cost.read_costs(reader, name, site, self._shared.clock.now())
        return self._shared.page(
            request,
            "kiosk.html",
            status,
            history=history,
            tapped=tapped,
            costs=costs,
            costs_chart=threshold_cost.chart(costs, translator(self._shared.language(request))),
            days=strip(history, settings.zone, self._shared.clock.now()),
            given=given if given is not None else now.given if now else {},
            now=now,
            titles=POST_SETTINGS if name in settings.posts else SETTINGS,
            wrong=wrong,
            renewal=command_to("renew", settings, name),
            over_usb=command_to("post", settings, name, "--port", "/dev/ttyUSB0"),
            named=settings.kiosk_titles.get(name, KioskTitle()),
            listed=name in settings.devices,
            done=request.query_params.get("done", ""),
            error=error,
            code=code,
        )

    def _tapped(self, request: Request, name: str, gate: str) -> list[NamedPasser]:
        """Who tapped a card at a kiosk within the last minute."""
        shared = self._shared
        passers = [row for row in shared.passers.shown(gate, None) if row.kiosk == name]
        if passers:
            shared.note(request, "look at passers", gate)
        return named(shared, passers, shared.language(request), gate)

    def _name(self, request: Request) -> str:
        return self._shared.kiosk(request.path_params["kiosk"]).kiosk.kiosk

    def _updatable(self) -> list[str]:
        return list(self._shared.settings.devices)
