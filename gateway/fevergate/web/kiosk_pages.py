"""Pages of the kiosks: state, history, calibration, firmware, settings, setup codes."""

from __future__ import annotations

from msgspec.structs import asdict
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import ActionError, BrokerError, NothingFoundError
from fevergate.kiosks.remote_settings import FIELDS
from fevergate.protocol.messages import KioskValues
from fevergate.web import kiosk_actions
from fevergate.web.context import Shared
from fevergate.web.kiosk_state import KioskHistory, KioskState, read_history, read_kiosks, strip
from fevergate.web.setup_codes import SetupCode, SetupCodes
from fevergate.web_common.middleware import address_of, form_of, session_of
from kiosk.estimate import SITES


class KioskPages:
    """/admin/kiosks and below, and /setup, where a new board fetches its settings."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._codes = SetupCodes(shared.settings)
        self.routes = [
            Route("/admin/kiosks", self.kiosks),
            Route("/admin/kiosks/update", self.update, methods=["POST"]),
            Route("/admin/kiosks/{kiosk:str}", self.kiosk),
            Route("/admin/kiosks/{kiosk:str}/identify", self.identify, methods=["POST"]),
            Route("/admin/kiosks/{kiosk:str}/settings", self.settings, methods=["POST"]),
            Route("/admin/kiosks/{kiosk:str}/setup-code", self.setup_code, methods=["POST"]),
            Route("/setup/{name:str}", self.fetch),
        ]

    async def kiosks(self, request: Request) -> Response:
        """Show all kiosks."""
        return await self._kiosks_page(request)

    async def kiosk(self, request: Request) -> Response:
        """Show a kiosk with its last two weeks."""
        return await self._kiosk_page(request)

    async def identify(self, request: Request) -> Response:
        """Let a kiosk blink, chirp and show its name."""
        await form_of(request)
        name = (await self._history(request)).kiosk.kiosk
        try:
            await run_in_threadpool(kiosk_actions.identify, self._shared.settings, name)
        except BrokerError:
            return await self._kiosk_page(request, ActionError("broker", ""), status=503)
        await self._note(request, "identify", name)
        return RedirectResponse(f"/admin/kiosks/{name}?done=identify", 303)

    async def settings(self, request: Request) -> Response:
        """Set a kiosk's values."""
        form = await form_of(request)
        name = (await self._history(request)).kiosk.kiosk
        try:
            await run_in_threadpool(kiosk_actions.set_from_form, self._shared.settings, name, form)
        except ActionError as error:
            return await self._kiosk_page(request, error, form, 400)
        except BrokerError:
            return await self._kiosk_page(request, ActionError("broker", ""), form, 503)
        given = {name: form[name] for name in FIELDS if form.get(name)}
        await self._note(request, "settings", f"{name} {given}"[:500])
        return RedirectResponse(f"/admin/kiosks/{name}?done=settings", 303)

    async def setup_code(self, request: Request) -> Response:
        """Show a new setup code, once, with which a board becomes this kiosk."""
        await form_of(request)
        name = (await self._history(request)).kiosk.kiosk
        try:
            code = await run_in_threadpool(self._codes.issue, name)
        except ActionError as error:
            return await self._kiosk_page(request, error, status=503)
        await self._note(request, "setup code", name)
        return await self._kiosk_page(request, code=code)

    async def fetch(self, request: Request) -> Response:
        """Answer a board with its kiosk's encrypted file, once; the only page here without a
        session."""
        sealed_file = self._codes.take(request.path_params["name"])
        if sealed_file is None:
            return Response("no such code", 404)
        kiosk, sealed = sealed_file
        what = f"{kiosk} {address_of(request)}"
        await run_in_threadpool(self._shared.store.note, "-", "setup code used", what)
        return Response(sealed, media_type="application/octet-stream")

    async def update(self, request: Request) -> Response:
        """Roll out firmware to one kiosk or to all."""
        form = await form_of(request)
        known = [kiosk for gate in self._shared.settings.gates for kiosk in gate.kiosks]
        kiosks = known if form.get("kiosk") == "*" else [form.get("kiosk", "")]
        if not set(kiosks) <= set(known):
            raise HTTPException(404)
        bundle, downgrade = form.get("bundle", ""), form.get("downgrade") == "1"
        try:
            await run_in_threadpool(self._shared.updates.start, kiosks, bundle, downgrade=downgrade)
        except ActionError as error:
            return await self._kiosks_page(request, error, 400)
        await self._note(request, "update", f"{', '.join(kiosks)} {bundle}".strip())
        return RedirectResponse("/admin/kiosks", 303)

    async def _kiosks_page(
        self, request: Request, error: ActionError | None = None, status: int = 200
    ) -> Response:
        return self._shared.page(
            request,
            "kiosks.html",
            status,
            kiosks=await run_in_threadpool(self._all),
            updates=self._shared.updates,
            updatable=[kiosk for gate in self._shared.settings.gates for kiosk in gate.kiosks],
            error=error,
        )

    def _all(self) -> list[KioskState]:
        with self._shared.reader() as reader:
            return read_kiosks(reader, self._shared.settings)

    async def _history(self, request: Request) -> KioskHistory:
        def read() -> KioskHistory:
            with self._shared.reader() as reader:
                return read_history(reader, self._shared.settings, request.path_params["kiosk"])

        try:
            return await run_in_threadpool(read)
        except NothingFoundError:
            raise HTTPException(404) from None

    async def _kiosk_page(
        self,
        request: Request,
        error: ActionError | None = None,
        given: dict[str, str] | None = None,
        status: int = 200,
        code: SetupCode | None = None,
    ) -> Response:
        history = await self._history(request)
        version, reached = 0, True
        try:
            name = history.kiosk.kiosk
            retained = await run_in_threadpool(
                kiosk_actions.retained_settings, self._shared.settings, name
            )
            version = retained.version
            if given is None:
                given = _as_form(retained.values)
        except BrokerError:
            reached, given = False, given or {}
        return self._shared.page(
            request,
            "kiosk.html",
            status,
            history=history,
            days=strip(history, self._shared.settings.zone, self._shared.clock.now()),
            given=given,
            version=version,
            reached=reached,
            sites=sorted(SITES),
            done=request.query_params.get("done", ""),
            error=error,
            code=code,
        )

    async def _note(self, request: Request, action: str, what: str) -> None:
        user = session_of(request).user
        await run_in_threadpool(self._shared.store.note, user, action, what)


def _as_form(values: KioskValues | None) -> dict[str, str]:
    fields = {
        name: str(value)
        for name, value in asdict(values or KioskValues()).items()
        if value is not None
    }
    if fields.get("quiet_from"):
        fields["quiet"] = f"{fields['quiet_from']}-{fields['quiet_to']}"
    return fields
