"""Serves the list of people to gateways, which copy it: GET /v1/people?after=REVISION&list=ID."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.campus.gateway_access import GatewayAccess, Refusal, answered
from fevergate.campus.settings import CampusSettings
from fevergate.people.copying import page
from fevergate.people.store import PeopleStore
from fevergate.protocol.people_messages import PeoplePage
from fevergate.web_common.routes import whole_number


class PeopleRoutes:
    """GET /v1/people, with a gateway's token: people of the gateway's campus, and people for whom
    the list names no campus."""

    def __init__(self, settings: CampusSettings, store: PeopleStore) -> None:
        self._access = GatewayAccess(settings)
        self._store = store
        self.routes = [Route("/v1/people", self.changes, methods=["GET"])]

    async def changes(self, request: Request) -> Response:
        """Answer with a `PeoplePage`: the changes after the revision that the gateway has."""
        return await answered(self._changes, request)

    def _changes(self, request: Request) -> PeoplePage:
        gateway, _ = self._access.gateway_of(request)
        self._access.refuse_of_none(gateway)
        after = whole_number(request.query_params.get("after", "0"), 18)
        if after < 0:
            raise Refusal(422, "after", "expected a revision, a number from 0")
        campus = self._access.campus_of.get(gateway, "")
        return page(self._store, campus, request.query_params.get("list", ""), after)
