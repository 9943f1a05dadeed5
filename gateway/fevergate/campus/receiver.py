"""Receives the gateways' deliveries: authenticated by token, bounded, validated, then committed.

Errors are answered as in `campus.gateway_access`.
"""

import logging
import re
from collections.abc import Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.campus.delivery_bounds import check_date
from fevergate.campus.gateway_access import GatewayAccess, Refusal, refused
from fevergate.campus.marks import MarkExchange
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.errors import CampusError, OverBoundError
from fevergate.protocol.campus_messages import (
    Delivery,
    HourSummary,
    MarkedDay,
    Receipt,
    RollDay,
    Summary,
)
from fevergate.web_common.middleware import bounded_body

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
_ITEM = re.compile(r"^\$\.items\[(\d+)\]")


class Receiver:
    """Takes deliveries. `marks` gathers the people who are marked in them; `says` is called with a
    gateway and its own time (Unix time, s)."""

    def __init__(
        self,
        settings: CampusSettings,
        store: CampusStore,
        says: Callable[[str, float], object] = lambda _gateway, _at: None,
        marks: MarkExchange | None = None,
    ) -> None:
        self._says = says
        self._settings = settings
        self._store = store
        self._marks = marks
        self._access = GatewayAccess(settings)
        self.routes = [Route("/v1/summaries", self.take, methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """Take a delivery: it is committed before the answer, and the gateway may repeat it."""
        try:
            gateway, token = self._access.gateway_of(request)
            body = await bounded_body(request, MAX_BODY)
            return await self._take(gateway, token, body)
        except HTTPException as refusal:
            return refused(refusal)

    async def _take(self, gateway: str, token: str, body: bytes) -> Response:
        try:
            delivery = self._checked(gateway, body)
            if delivery.sent_at is not None:
                self._says(gateway, delivery.sent_at)
            keys = await run_in_threadpool(self._keep, delivery, token)
        except Refusal as refusal:
            await run_in_threadpool(self._note, gateway, refusal, body)
            raise
        except CampusError as error:
            log.error("%s", error)
            raise Refusal(503, "$", "the store refuses; try again") from error
        answer = msgspec.json.encode(Receipt(held=keys))
        return Response(answer, media_type="application/json")

    def _keep(self, delivery: Delivery, token: str) -> list[str]:
        try:
            known = delivery.gateway in self._access.campus_of
            keys = self._store.keep(delivery, token, known=known)
        except OverBoundError as error:
            raise _beyond(delivery, error) from error
        days = {item.date for item in delivery.items if isinstance(item, MarkedDay)}
        if self._marks and days:
            self._marks.apply(days)
        return keys

    def _note(self, gateway: str, refusal: Refusal, body: bytes) -> None:
        try:
            self._store.refuse(gateway, refusal.field, refusal.detail, body)
        except CampusError as error:
            log.error("%s", error)

    def _checked(self, gateway: str, body: bytes) -> Delivery:
        try:
            delivery = msgspec.json.decode(body, type=Delivery)
        except msgspec.ValidationError as error:
            reason, _, field = str(error).partition(" - at ")
            field = field.strip("`") or "$"
            items = [int(number) for number in _ITEM.findall(field)]
            raise Refusal(422, field, reason, items) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, "$", f"not JSON: {error}") from error
        if delivery.gateway != gateway:
            raise Refusal(403, "$.gateway", f"this token belongs to {gateway}")
        campus = self._access.campus_of.get(gateway, delivery.campus)
        if campus != delivery.campus:
            raise Refusal(403, "$.campus", f"{gateway} belongs to campus {campus}")
        for number, item in enumerate(delivery.items):
            if isinstance(item, MarkedDay | RollDay):
                self._access.refuse_of_none(gateway, f"$.items[{number}]")
        now, believed = self._store.clock(), self._store.believed()
        checked, wrong = list[Summary](), dict[int, str]()
        for number, item in enumerate(delivery.items):
            try:
                checked.append(check_date(item, now, self._settings.zone, believed=believed))
            except OverBoundError as error:
                wrong[number] = str(error)
        if wrong:
            first = min(wrong)
            name = "hour" if isinstance(delivery.items[first], HourSummary) else "date"
            raise Refusal(422, f"$.items[{first}].{name}", wrong[first], wrong)
        return msgspec.structs.replace(delivery, items=checked)


def _beyond(delivery: Delivery, error: OverBoundError) -> Refusal:
    """Return the answer to too many rows: the items beyond the limit are refused (422), or the
    gateway must send all of them later (429)."""
    if not error.keys:
        return Refusal(429, error.field, str(error))
    keys = {key.partition("@")[0] for key in error.keys}
    beyond = [number for number, item in enumerate(delivery.items) if item.key in keys]
    return Refusal(422, f"$.items[{beyond[0]}]", str(error), beyond)
