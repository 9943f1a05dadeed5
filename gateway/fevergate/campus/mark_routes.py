"""Tells gateways who was measured at the other gates of their campus."""

from datetime import date

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.campus.gateway_access import GatewayAccess, Refusal, answered
from fevergate.campus.marks import MarkExchange
from fevergate.campus.schema import gateways
from fevergate.campus.settings import CampusSettings
from fevergate.protocol.campus_messages import Message


class MarkRoutes:
    """GET /v1/marks and /v1/marks/DATE, with a gateway's token."""

    def __init__(self, settings: CampusSettings, marks: MarkExchange) -> None:
        self._access = GatewayAccess(settings)
        self._marks = marks
        self.routes = [
            Route("/v1/marks", self.index, methods=["GET"]),
            Route("/v1/marks/{date:str}", self.elsewhere, methods=["GET"]),
        ]

    async def index(self, request: Request) -> Response:
        """Answer with what is held for each day, from the asking gateway and from others."""
        return await answered(self._index, request)

    async def elsewhere(self, request: Request) -> Response:
        """Answer with the people whom others than the asking gateway marked on a day."""
        return await answered(self._elsewhere, request)

    def _index(self, request: Request) -> Message:
        gateway, token = self._access.gateway_of(request)
        since = request.query_params.get("since", "")
        since = _day(since, "since").isoformat() if since else ""
        return self._marks.index(self._campus_of(gateway), gateway, token, since)

    def _elsewhere(self, request: Request) -> Message:
        gateway, _ = self._access.gateway_of(request)
        day = _day(request.path_params["date"], "date")
        return self._marks.elsewhere(self._campus_of(gateway), gateway, day)

    def _campus_of(self, gateway: str) -> str:
        """Return a gateway's campus from the settings or, if these have no campuses, the campus of
        its last delivery. Raises `Refusal`."""
        self._access.refuse_of_none(gateway)
        if gateway in self._access.campus_of:
            return self._access.campus_of[gateway]
        statement = (
            select(gateways.c.campus)
            .where(gateways.c.gateway == gateway)
            .order_by(gateways.c.heard_at.desc())
            .limit(1)
        )
        return next(iter(self._marks.database.scalars(statement)), "")


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(422, field, "expected a day as YYYY-MM-DD") from None
