"""The page of all kiosks' settings: what is set, what is in force, and a form that
changes several kiosks at once."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import BrokerError, KioskValueError
from fevergate.kiosks.setting_words import SETTINGS
from fevergate.web import kiosk_actions
from fevergate.web.context import Shared
from fevergate.web.kiosk_values import ValuesNow, read_values
from fevergate.web_common.routes import Form, get, post

ALL = "*"
GATE = "gate "
"""`ALL` chooses all kiosks, `GATE` followed by a gate's name the kiosks of that gate; any other
choice is the name of one kiosk."""


class KioskSettingsPages:
    """/admin/settings."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            get("/admin/settings", self.settings),
            post("/admin/settings", self.change),
        ]

    def settings(
        self,
        request: Request,
        given: Form | None = None,
        error: str = "",
        wrong: KioskValueError | None = None,
        status: int = 200,
    ) -> Response:
        """Show the settings of every kiosk and its answer to them; after a refused form also the
        reason and the values `given`."""
        kiosks: list[ValuesNow] = []
        try:
            with self._shared.reader() as reader:
                kiosks = list(read_values(self._shared.settings, reader).values())
        except BrokerError:
            error, status = "broker", 503
        sent = request.query_params.get("sent", "") == "1" and not error
        return self._shared.page(
            request,
            "settings.html",
            status,
            kiosks=kiosks,
            gates=self._shared.settings.gates,
            titles=SETTINGS,
            given=given or {},
            error=error,
            wrong=wrong,
            sent=sent,
            waiting=sent and any(kiosk.state == "waiting" for kiosk in kiosks),
            in_force={},
        )

    def change(self, request: Request, form: Form) -> Response:
        """Set the given values on one kiosk, on all kiosks of a gate, or on all kiosks."""
        kiosks = self._chosen(form["kiosks"])
        values = {name: form[name].strip() for name in SETTINGS if form[name].strip()}
        if not kiosks:
            return self.settings(request, form, "choice", status=400)
        if not values:
            return self.settings(request, form, "no_value", status=400)
        try:
            kiosk_actions.set_several(self._shared.settings, kiosks, values)
        except KioskValueError as error:
            return self.settings(request, form, wrong=error, status=400)
        except BrokerError:
            return self.settings(request, form, "broker", status=503)
        self._shared.note(request, "settings", f"{', '.join(kiosks)} {values}"[:500])
        return RedirectResponse("/admin/settings?sent=1#top", 303)

    def _chosen(self, choice: str) -> list[str]:
        settings = self._shared.settings
        if choice == ALL:
            return settings.kiosks
        if choice.startswith(GATE):
            name = choice.removeprefix(GATE)
            return [kiosk for gate in settings.gates if gate.name == name for kiosk in gate.kiosks]
        return [choice] if choice in settings.kiosks else []
