"""Receives the gateways' deliveries: authenticated by token, bounded, validated, then committed.

Errors are those of `campus.gateway_access`.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.campus.gateway_access import GatewayAccess, Refusal, refused
from fevergate.campus.marks import MarkExchange
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.errors import CampusError
from fevergate.protocol.campus_messages import (
    Delivery,
    GatewayDay,
    MarkedDay,
    Receipt,
    RollDay,
)
from fevergate.web_common.middleware import bounded_body

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
AHEAD_S = 2 * 3600
"""How early a gateway may report a day as over: its clock may be wrong by an hour and more."""


class Receiver:
    """Takes deliveries; `marks` puts together who was marked in them, and `says` is called with
    each gateway's own time (Unix time, s)."""

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
        """Take a delivery: it is committed before it is answered, and may be repeated."""
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
            held = await run_in_threadpool(self._keep, delivery, token)
        except Refusal as refusal:
            await run_in_threadpool(self._note, gateway, refusal, body)
            raise
        except CampusError as error:
            log.error("%s", error)
            raise Refusal(503, "$", "the store refuses; try again") from error
        answer = msgspec.json.encode(Receipt(held=held))
        return Response(answer, media_type="application/json")

    def _keep(self, delivery: Delivery, token: str) -> list[str]:
        held = self._store.keep(delivery, token)
        days = {item.date for item in delivery.items if isinstance(item, MarkedDay)}
        if self._marks and days:
            self._marks.apply(days)
        return held

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
            raise Refusal(422, field.strip("`") or "$", reason) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, "$", f"not JSON: {error}") from error
        if delivery.gateway != gateway:
            raise Refusal(403, "$.gateway", f"this token is {gateway}'s")
        campus = self._access.campus_of.get(gateway, delivery.campus)
        if campus != delivery.campus:
            raise Refusal(403, "$.campus", f"{gateway} is at {campus}")
        for number, item in enumerate(delivery.items):
            date = getattr(item, "date", None)
            if date is None:
                continue
            if isinstance(item, MarkedDay | RollDay):
                self._access.refuse_of_none(gateway, f"$.items[{number}]")
            where = f"$.items[{number}].date"
            try:
                begin = datetime.fromisoformat(date).replace(tzinfo=self._settings.zone)
            except ValueError:
                raise Refusal(422, where, "expected a day as YYYY-MM-DD") from None
            # While our own clock is in doubt, the gateway's, which is judged too, is trusted.
            latest = self._store.clock() + AHEAD_S if self._store.believed() else float("inf")
            if isinstance(item, GatewayDay):
                if (begin + timedelta(days=1)).timestamp() > latest:
                    raise Refusal(422, where, "this day is not over yet")
            elif isinstance(item, MarkedDay | RollDay) and begin.timestamp() > latest:
                raise Refusal(422, where, "this day has not begun yet")
        return delivery
