"""The API for programs: JSON below /api/v1, with tokens that have scopes.

Routes and the OpenAPI document (`openapi`) are made from the methods that `operation` decorates. An
administrator's session may read everything; a tutor's session may read and enter the roll of the
tutor's units. All other changes need a token.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fevergate.errors import FollowUpError
from fevergate.protocol.alarm_messages import Acknowledge
from fevergate.protocol.messages import Person
from fevergate.registers.duty import OnDuty
from fevergate.reports.fever_log import Day
from fevergate.reports.fevers import Fever, identity_of
from fevergate.web import kiosk_actions, register_api, roll_api, trace_api
from fevergate.web.api_part import PageNumber, Short, limits, pages
from fevergate.web.context import Shared
from fevergate.web.fhir import observations
from fevergate.web.follow_ups import MAX_REASON, FollowUp, parse
from fevergate.web.kiosk_state import KioskHistory, KioskState
from fevergate.web.live import GateNow
from fevergate.web.openapi import Date, Done, Operation, Operations, openapi_document
from fevergate.web.overview import Overview
from fevergate.web.register_api import RegisterApi
from fevergate.web.roll_api import RollApi
from fevergate.web.sign_offs import SignOff
from fevergate.web.trace_api import TraceApi
from fevergate.web_common.dates import parse_day
from fevergate.web_common.middleware import MAX_FORM_BYTES, actor_of, bounded_body
from fevergate.web_common.routes import get
from fevergate.web_common.store import AuditEntry
from fevergate.web_common.tokens import Token

AUDIT_PAGE = 100
MAX_ID = 2**53
"""The largest integer that JSON readers agree on (RFC 8259, section 6)."""

Text = Annotated[str, Meta(max_length=1000)]


class Failed(Struct):
    """The body of an error: a key for programs, a sentence for people."""

    error: str
    detail: str


class AcknowledgeRequest(Struct, forbid_unknown_fields=True):
    """The person who acknowledges a gate's alarm."""

    by: Person


class NewFollowUp(Struct, kw_only=True, forbid_unknown_fields=True):
    """A complete follow-up of a fever; `revision` is the revision that it replaces (0: none),
    `reason` is why a closed follow-up is changed."""

    clinical_c: Annotated[float, Meta(ge=30, le=45)] | None = None
    clinical_site: Short = ""
    outcome: Short = ""
    person: Short = ""
    unit: Short = ""
    phone: Annotated[str, Meta(max_length=32)] = ""
    note: Text = ""
    closed: bool = False
    revision: Annotated[int, Meta(ge=0, lt=10**9)] = 0
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class AccountName(Struct):
    """An account; `units` are the units that a tutor sees."""

    name: str
    role: str
    units: tuple[str, ...] = ()


class FeverAfter(Struct):
    """A fever and its follow-up, if there is one."""

    fever: Fever
    follow_up: FollowUp | None


class LogAnswer(Struct):
    """A page of a day's log, without names of people or guards.

    `fevers` is the number of the day's fevers, `pages` the number of pages. Each page has at most
    1000 fevers, in order of time. `outcomes` are by `kiosk/boot/seq`, `signed` are signatures, the
    newest first.
    """

    log: Day
    outcomes: dict[str, str]
    signed: list[SignOff]
    fevers: int
    pages: int


DAYS = {"from": Date, "to": Date, "gate": Short}
FEVER = "/fevers/{kiosk}/{boot}/{seq}"
operation = Operations()


class Api(RollApi, TraceApi, RegisterApi):
    """The operations below /api/v1."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._operations = [
            *operation,
            *roll_api.operation,
            *register_api.operation,
            *trace_api.operation,
        ]
        document = get("/api/v1/openapi.json", self.document)
        self.routes = [document, *map(self._route, self._operations)]

    def _route(self, called: Operation) -> Route:
        async def answer(request: Request) -> Response:
            _check(request, called)
            body = [await _body(request, called.body)] if called.body else []
            result = await run_in_threadpool(called.act, self, request, *body)
            return Response(msgspec.json.encode(result), media_type=called.media)

        return Route(f"/api/v1{called.path}", answer, methods=[called.method])

    def document(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return JSONResponse(openapi_document(self._operations, Failed))

    @operation("GET", "/gates", "board", "State of every gate")
    def gates(self, _request: Request) -> list[GateNow]:
        return [self._shared.live.now(gate.name) for gate in self._shared.settings.gates]

    @operation("GET", "/gates/{gate}", "board", "State of one gate", errors=(404,))
    def gate(self, request: Request) -> GateNow:
        return self._shared.live.now(request.path_params["gate"])

    @operation(
        *("POST", "/gates/{gate}/acknowledge", "acknowledge", "Acknowledge a gate's red light"),
        errors=(400, 404, 413, 503),
    )
    def acknowledge(self, request: Request, body: AcknowledgeRequest) -> Done:
        gate = request.path_params["gate"]
        by = f"{body.by[:40]} ({actor_of(request)[:20]})"  # with the program's name
        if not self._shared.live.acknowledge(gate, Acknowledge(by=by)):
            raise HTTPException(503, "line")
        self._note(request, "acknowledge", f"{gate} by {body.by}")
        return Done()

    @operation("GET", "/duty", "board", "The duty list")
    def duty(self, _request: Request) -> list[OnDuty]:
        return [
            OnDuty(name=shift.name, gate=shift.gate, begin=shift.begin, end=shift.end)
            for shift in self._shared.duty.everybody()
        ]

    @operation(
        *("GET", "/log", "log", "A day's fever log"),
        query={"date": Date, "page": PageNumber},
        errors=(400,),
    )
    def log(self, request: Request) -> LogAnswer:
        text = request.query_params.get("date")
        with self._shared.whole_day(parse_day(text) if text else None) as (log, *lists):
            log.fevers, log.struck = (
                [msgspec.structs.replace(fever, acknowledged_by=None) for fever in page]
                for page in (fevers.page(*limits(request)) for fevers in lists)
            )
            most = max(map(len, lists))
        follow_ups = self._shared.follow_ups_of(log.fevers)
        signed = self._shared.signed(log)
        log.strikes = [
            msgspec.structs.replace(strike, by="", undone_by="") for strike in log.strikes
        ]
        outcomes = {
            str(identity): follow_ups[identity].outcome
            for identity in map(identity_of, log.fevers)
            if identity in follow_ups
        }
        self._note(request, "look at log", log.date)
        return LogAnswer(log, outcomes, signed, log.count, pages(most))

    @operation(
        *(
            "GET",
            "/overview",
            "log",
            "Numbers of people by hour and day, and temperatures, of a period",
        ),
        query=DAYS,
        errors=(400,),
    )
    def overview(self, request: Request) -> Overview:
        return self._shared.overview(request.query_params)

    @operation("GET", "/kiosks", "kiosks", "State of every kiosk")
    def kiosks(self, _request: Request) -> list[KioskState]:
        return self._shared.kiosks()

    @operation("GET", "/kiosks/{kiosk}", "kiosks", "A kiosk and its last two weeks", errors=(404,))
    def kiosk(self, request: Request) -> KioskHistory:
        return self._shared.kiosk(request.path_params["kiosk"])

    @operation(
        *(
            "POST",
            "/kiosks/{kiosk}/identify",
            "actions",
            "Make a kiosk or lamp post blink and chirp",
        ),
        errors=(404, 503),
    )
    def identify(self, request: Request) -> Done:
        kiosk = self.kiosk(request).kiosk.kiosk
        kiosk_actions.identify(self._shared.settings, kiosk)
        self._note(request, "identify", kiosk)
        return Done()

    @operation("GET", FEVER, "persons", "A fever with its follow-up", errors=(404,))
    def fever(self, request: Request) -> FeverAfter:
        return self._fever_after(request, "look at follow-up")

    @operation(
        *("PUT", f"{FEVER}/follow-up", "persons", "Save the follow-up of a fever"),
        errors=(400, 404, 409, 413),
    )
    def put_follow_up(self, request: Request, body: NewFollowUp) -> FollowUp:
        identity = identity_of(self._shared.fever(**request.path_params))
        form = {name: str(value) for name, value in msgspec.structs.asdict(body).items()}
        form["clinical_c"] = "" if body.clinical_c is None else str(body.clinical_c)
        try:
            new = parse(form, closed=body.closed)
            changes = self._shared.follow_ups.save(
                identity, new, actor_of(request), reason=body.reason.strip()
            )
        except FollowUpError as error:
            code = 409 if error.reason == "meanwhile" else 400
            raise HTTPException(code, str(error)) from None
        self._note(request, "save follow-up", f"{identity} {changes}".strip())
        return self._shared.follow_ups.get(identity) or new

    @operation(
        *("GET", f"{FEVER}/fhir", "persons", "A fever as FHIR R4 Observations, LOINC 8310-5"),
        errors=(404,),
        media="application/fhir+json",
    )
    def fhir(self, request: Request) -> dict[str, Any]:
        after = self._fever_after(request, "take FHIR")
        settings = self._shared.settings
        return observations(after.fever, after.follow_up, settings.campus, settings.zone)

    @operation("GET", "/people", "people", "Accounts of the people who may sign in")
    def people(self, _request: Request) -> list[AccountName]:
        accounts = self._shared.accounts
        units = accounts.tutors()
        return [AccountName(name, role, units.get(name, ())) for name, role in accounts.people()]

    @operation("GET", "/tokens", "people", "Tokens of programs, without their secrets")
    def tokens(self, _request: Request) -> list[Token]:
        return self._shared.tokens.all()

    @operation(
        *("GET", "/audit", "audit", "Audit: who did or viewed what, the newest first"),
        query={"before": Annotated[int, Meta(ge=1, le=MAX_ID)]},
        errors=(400,),
    )
    def audit(self, request: Request) -> list[AuditEntry]:
        before = request.query_params.get("before")
        rows = self._shared.store.audit(AUDIT_PAGE, int(before) if before else None)
        self._note(request, "look at audit", before or "")
        return rows

    def _fever_after(self, request: Request, action: str) -> FeverAfter:
        fever = self._shared.fever(**request.path_params)
        follow_up = self._shared.follow_ups.get(identity_of(fever))
        self._note(request, action, str(identity_of(fever)))
        return FeverAfter(fever, follow_up)


def _check(request: Request, operation: Operation) -> None:
    """Check access and the query's parameters. Raises `HTTPException` 403, 400."""
    token, session = request.state.token, request.state.session
    if token:
        allowed = operation.scope in token.scopes
    elif session.role == "tutor" and operation.scope == "roll":
        # A form of another site cannot send this type of content (Fetch, CORS-safelisted).
        plain = request.headers.get("content-type", "").partition(";")[0].strip()
        allowed = operation.method == "GET" or plain == "application/json"
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


async def _body(request: Request, kind: type[Any]) -> Any:
    """The body as a value of a type. Raises `HTTPException` 400, 413."""
    try:
        return msgspec.json.decode(await bounded_body(request, MAX_FORM_BYTES), type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise HTTPException(400, str(error)) from None
