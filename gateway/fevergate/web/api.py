"""The API for programs: JSON below /api/v1, with tokens that have scopes.

Routes and the OpenAPI document (`openapi`) are made of `Api.operations`. An administrator's session
may read everything; changes take a token.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fevergate.errors import BrokerError, FollowUpError, NothingFoundError
from fevergate.protocol.messages import NAME_PATTERN, Identity, Person
from fevergate.reports.fever_log import Day, Fever, identity_of
from fevergate.web import kiosk_actions, openapi
from fevergate.web.context import Shared
from fevergate.web.duty import OnDuty
from fevergate.web.fhir import observations
from fevergate.web.follow_ups import FollowUp, parse
from fevergate.web.kiosk_state import KioskHistory, KioskState, read_history, read_kiosks
from fevergate.web.live import GateNow
from fevergate.web.openapi import Operation
from fevergate.web.overview import Overview, period, read_overview
from fevergate.web.sign_offs import SignOff
from fevergate.web_common.middleware import MAX_FORM_BYTES
from fevergate.web_common.store import AuditEntry
from fevergate.web_common.tokens import Token

AUDIT_PAGE = 100
LOG_PAGE = 1000
MAX_ID = 2**53
"""The largest integer that JSON readers agree on (RFC 8259, section 6)."""

T = TypeVar("T")
FHIR = "application/fhir+json"
Date = Annotated[str, Meta(pattern=r"^2\d{3}-\d{2}-\d{2}$", extra_json_schema={"format": "date"})]
Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Text = Annotated[str, Meta(max_length=1000)]
Short = Annotated[str, Meta(max_length=64)]


class Failed(Struct):
    """The body of an error: a key for programs, a sentence for people."""

    error: str
    detail: str


class Done(Struct):
    """The body of an answer without data."""

    ok: bool = True


class AcknowledgeRequest(Struct, forbid_unknown_fields=True):
    """The person who acknowledges a gate's alarm."""

    by: Person


class NewFollowUp(Struct, kw_only=True, forbid_unknown_fields=True):
    """A complete follow-up of a fever; `revision` is the one that it replaces (0: none)."""

    clinical_c: Annotated[float, Meta(ge=30, le=45)] | None = None
    clinical_site: Short = ""
    outcome: Short = ""
    person: Short = ""
    unit: Short = ""
    phone: Annotated[str, Meta(max_length=32)] = ""
    note: Text = ""
    closed: bool = False
    revision: Annotated[int, Meta(ge=0, lt=10**9)] = 0


class AccountName(Struct):
    """An account."""

    name: str
    role: str


class FeverAfter(Struct):
    """A fever and its follow-up, if there is one."""

    fever: Fever
    follow_up: FollowUp | None


class LogAnswer(Struct):
    """A page of a day's log, without names of people or guards.

    `fevers` is the number of fevers of the day, `pages` that of pages: each has at most 1000, in
    order of time. `outcomes` are by `kiosk/boot/seq`, `signed` are signatures, the newest first.
    """

    log: Day
    outcomes: dict[str, str]
    signed: list[SignOff]
    fevers: int
    pages: int


class Api:
    """The operations below /api/v1."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        days = {"from": Date, "to": Date, "gate": Annotated[str, Meta(max_length=64)]}
        fever = "/fevers/{kiosk}/{boot}/{seq}"
        self.operations = [
            Operation(
                *("GET", "/gates", "board", "Every gate as it is now"),
                *(list[GateNow], self._gates),
            ),
            Operation(
                *("GET", "/gates/{gate}", "board", "One gate as it is now"),
                *(GateNow, self._gate),
                errors=(404,),
            ),
            Operation(
                *("POST", "/gates/{gate}/acknowledge", "acknowledge"),
                *("Acknowledge a gate's red light", Done, self._acknowledge),
                body=AcknowledgeRequest,
                errors=(400, 404, 413, 503),
            ),
            Operation(
                *("GET", "/duty", "board", "The duty list", list[OnDuty], self._duty),
            ),
            Operation(
                *("GET", "/log", "log", "A day's fever log", LogAnswer, self._log),
                query={"date": Date, "page": Annotated[int, Meta(ge=1, le=10**6)]},
                errors=(400,),
            ),
            Operation(
                *("GET", "/overview", "log", "People by hour and day, temperatures, a term"),
                *(Overview, self._overview),
                query=days,
                errors=(400,),
            ),
            Operation(
                *("GET", "/kiosks", "kiosks", "Every kiosk's state", list[KioskState]),
                self._kiosks,
            ),
            Operation(
                *("GET", "/kiosks/{kiosk}", "kiosks", "A kiosk and its last two weeks"),
                *(KioskHistory, self._kiosk),
                errors=(404,),
            ),
            Operation(
                *("POST", "/kiosks/{kiosk}/identify", "actions", "Let a kiosk show itself"),
                *(Done, self._identify),
                errors=(404, 503),
            ),
            Operation(
                *("GET", fever, "persons", "A fever and what became of it", FeverAfter),
                self._fever,
                errors=(404,),
            ),
            Operation(
                *("PUT", f"{fever}/follow-up", "persons", "Say what became of a fever"),
                *(FollowUp, self._put_follow_up),
                body=NewFollowUp,
                errors=(400, 404, 409, 413),
            ),
            Operation(
                *("GET", f"{fever}/fhir", "persons", "FHIR R4 Observations, LOINC 8310-5"),
                *(dict[str, Any], self._fhir),
                errors=(404,),
                media=FHIR,
            ),
            Operation(
                *("GET", "/people", "people", "Who may sign in", list[AccountName]),
                self._people,
            ),
            Operation(
                *("GET", "/tokens", "people", "Which programs may ask, without their secrets"),
                *(list[Token], self._tokens),
            ),
            Operation(
                *("GET", "/audit", "audit", "Who did or looked at what, the newest first"),
                *(list[AuditEntry], self._audit),
                query={"before": Annotated[int, Meta(ge=1, le=MAX_ID)]},
                errors=(400,),
            ),
        ]
        self.routes = [
            Route("/api/v1/openapi.json", self._document),
            *(self._route(operation) for operation in self.operations),
        ]

    def _route(self, operation: Operation) -> Route:
        async def answer(request: Request) -> Response:
            self._check(request, operation)
            result = await operation.act(request)
            return Response(msgspec.json.encode(result), media_type=operation.media)

        return Route(f"/api/v1{operation.path}", answer, methods=[operation.method])

    @staticmethod
    def _check(request: Request, operation: Operation) -> None:
        """Check access and the query's parameters. Raises `HTTPException` 403, 400."""
        token, session = request.state.token, request.state.session
        if token:
            allowed = operation.scope in token.scopes
        else:
            allowed = operation.method == "GET" and session.role == "administrator"
        if not allowed:
            raise HTTPException(403, f"expected a token with the scope {operation.scope}")
        if unknown := set(request.query_params) - set(operation.query):
            raise HTTPException(400, f"{min(unknown)[:64]!r}: expected {sorted(operation.query)}")
        for name, kind in operation.query.items():
            if len(values := request.query_params.getlist(name)) > 1:
                raise HTTPException(400, f"{name}: expected once")
            try:
                for value in values:
                    msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError as error:
                raise HTTPException(400, f"{name}: {error}") from None

    async def _document(self, _request: Request) -> Response:
        return JSONResponse(openapi.openapi_document(self.operations, Failed))

    async def _gates(self, _request: Request) -> list[GateNow]:
        return [self._shared.live.now(gate.name) for gate in self._shared.settings.gates]

    async def _gate(self, request: Request) -> GateNow:
        try:
            return self._shared.live.now(request.path_params["gate"])
        except NothingFoundError:
            raise HTTPException(404) from None

    async def _acknowledge(self, request: Request) -> Done:
        given = await self._body(request, AcknowledgeRequest)
        gate = request.path_params["gate"]
        try:
            by = f"{given.by[:40]} ({self._who(request)[:20]})"  # with the program's name
            published = self._shared.live.acknowledge(gate, by)
        except NothingFoundError:
            raise HTTPException(404) from None
        if not published:
            raise HTTPException(503, "line")
        await self._note(request, "acknowledge", f"{gate} by {given.by}")
        return Done()

    async def _duty(self, _request: Request) -> list[OnDuty]:
        return await run_in_threadpool(self._shared.duty.everybody)

    async def _log(self, request: Request) -> LogAnswer:
        def read() -> LogAnswer:
            skip = (int(request.query_params.get("page", "1")) - 1) * LOG_PAGE
            log = self._shared.day(request.query_params.get("date"), LOG_PAGE, skip)
            known = self._shared.follow_ups_of(log.fevers)
            signed = self._shared.signed(log)
            most = max(log.count, len(log.struck))
            log.fevers, log.struck = (
                [msgspec.structs.replace(fever, acknowledged_by=None) for fever in fevers]
                for fevers in (log.fevers, log.struck[skip : skip + LOG_PAGE])
            )
            log.strikes = [
                msgspec.structs.replace(strike, by="", undone_by="") for strike in log.strikes
            ]
            outcomes = {
                "/".join(map(str, who)): known[who].outcome
                for who in map(identity_of, log.fevers)
                if who in known
            }
            return LogAnswer(log, outcomes, signed, log.count, max(1, -(-most // LOG_PAGE)))

        answer = await run_in_threadpool(read)
        await self._note(request, "look at log", answer.log.date)
        return answer

    async def _overview(self, request: Request) -> Overview:
        asked = request.query_params

        def read() -> Overview:
            when = period(self._shared.clock.today(), asked.get("from"), asked.get("to"))
            with self._shared.reader() as reader:
                return read_overview(reader, self._shared.settings, when, asked.get("gate", ""))

        return await run_in_threadpool(read)

    async def _kiosks(self, _request: Request) -> list[KioskState]:
        def read() -> list[KioskState]:
            with self._shared.reader() as reader:
                return read_kiosks(reader, self._shared.settings)

        return await run_in_threadpool(read)

    async def _kiosk(self, request: Request) -> KioskHistory:
        def read() -> KioskHistory:
            with self._shared.reader() as reader:
                return read_history(reader, self._shared.settings, request.path_params["kiosk"])

        try:
            return await run_in_threadpool(read)
        except NothingFoundError:
            raise HTTPException(404) from None

    async def _identify(self, request: Request) -> Done:
        kiosk = (await self._kiosk(request)).kiosk.kiosk
        try:
            await run_in_threadpool(kiosk_actions.identify, self._shared.settings, kiosk)
        except BrokerError:
            raise HTTPException(503, "broker") from None
        await self._note(request, "identify", kiosk)
        return Done()

    async def _fever(self, request: Request) -> FeverAfter:
        fever = await self._asked_fever(request)
        follow_up = await run_in_threadpool(self._shared.follow_ups.get, identity_of(fever))
        await self._note(request, "look at follow-up", _named(fever))
        return FeverAfter(fever, follow_up)

    async def _put_follow_up(self, request: Request) -> FollowUp:
        given = await self._body(request, NewFollowUp)
        fever = await self._asked_fever(request)
        form = {name: str(value) for name, value in msgspec.structs.asdict(given).items()}
        form["clinical_c"] = "" if given.clinical_c is None else str(given.clinical_c)
        identity, by = identity_of(fever), self._who(request)
        try:
            new = parse(form, closed=given.closed)
            changes = await run_in_threadpool(self._shared.follow_ups.save, identity, new, by)
        except FollowUpError as error:
            code = 409 if error.reason == "meanwhile" else 400
            raise HTTPException(code, str(error)) from None
        await self._note(request, "save follow-up", f"{_named(fever)} {changes}".strip())
        saved = await run_in_threadpool(self._shared.follow_ups.get, identity)
        return saved or new

    async def _fhir(self, request: Request) -> dict[str, Any]:
        fever = await self._asked_fever(request)
        after = await run_in_threadpool(self._shared.follow_ups.get, identity_of(fever))
        await self._note(request, "take FHIR", _named(fever))
        settings = self._shared.settings
        return observations(fever, after, settings.campus, settings.zone)

    async def _people(self, _request: Request) -> list[AccountName]:
        people = await run_in_threadpool(self._shared.accounts.people)
        return [AccountName(name, role) for name, role in people]

    async def _tokens(self, _request: Request) -> list[Token]:
        return await run_in_threadpool(self._shared.tokens.all)

    async def _audit(self, request: Request) -> list[AuditEntry]:
        before = request.query_params.get("before")
        rows = await run_in_threadpool(
            self._shared.store.audit, AUDIT_PAGE, int(before) if before else None
        )
        await self._note(request, "look at audit", before or "")
        return rows

    async def _asked_fever(self, request: Request) -> Fever:
        params = request.path_params
        try:
            boot, seq = int(params["boot"]), int(params["seq"])
        except ValueError:
            raise HTTPException(404) from None
        fever = await run_in_threadpool(self._shared.fever, Identity(params["kiosk"], boot, seq))
        if fever is None:
            raise HTTPException(404)
        return fever

    async def _note(self, request: Request, action: str, what: str) -> None:
        await run_in_threadpool(self._shared.store.note, self._who(request), action, what)

    @staticmethod
    def _who(request: Request) -> str:
        token = request.state.token
        return f"token {token.name}" if token else request.state.session.user

    @staticmethod
    async def _body(request: Request, kind: type[T]) -> T:
        """Raises `HTTPException` 400, 413."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise HTTPException(413)
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise HTTPException(400, str(error)) from None


def _named(fever: Fever) -> str:
    return "/".join(map(str, identity_of(fever)))
