"""Access of gateways to the routes below /v1: each by its token, every error in one JSON shape.

`{"error": {"field": ..., "reason": ...}}`
"""

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fevergate.campus.schema import TOKEN_DIGITS
from fevergate.campus.settings import CampusSettings
from fevergate.errors import CampusError, StoreError

log = logging.getLogger(__name__)


class Refusal(HTTPException):
    """Answer to a refused request: HTTP status, field and reason. `items` are the numbers of the
    refused items of a delivery, so that the gateway can send the others again at once."""

    def __init__(self, status: int, field: str, reason: str, items: Iterable[int] = ()) -> None:
        super().__init__(status, reason)
        self.field = field
        self.items = sorted(items)


class GatewayAccess:
    """Finds out which gateway sent a request, and to which campus it belongs."""

    def __init__(self, settings: CampusSettings) -> None:
        self._settings = settings
        self.campus_of = {
            gateway: name
            for name, campus in settings.campuses.items()
            for gateway in campus.gateways
        }
        """The campus of each gateway; empty if the settings name no campus."""

    def gateway_of(self, request: Request) -> tuple[str, str]:
        """Return the gateway to which the request's token belongs, and the first `TOKEN_DIGITS` of
        the token's digest. Raises `Refusal`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(token.encode()).hexdigest()
        owner = None
        for gateway, expected in self._settings.tokens.items():
            # All tokens are compared, so that the time taken reveals nothing.
            if hmac.compare_digest(digest, expected):
                owner = gateway
        if scheme.lower() != "bearer" or owner is None:
            raise Refusal(401, "authorization", "expected a gateway's token")
        return owner, digest[:TOKEN_DIGITS]

    def refuse_of_none(self, gateway: str, field: str = "authorization") -> None:
        """Raise `Refusal` if the settings have campuses and none of them names this gateway: it may
        neither get nor send anything about the campuses' people."""
        if self._settings.campuses and gateway not in self.campus_of:
            raise Refusal(403, field, f"{gateway} is in no [campuses.NAME] gateways")


async def answered(make: Callable[[Request], Struct], request: Request) -> Response:
    """Answer a request with the result of `make` as JSON, or with its refusal."""
    try:
        answer = await run_in_threadpool(make, request)
    except (CampusError, StoreError) as error:
        log.error("%s", error)
        return refused(Refusal(503, "$", "the store refuses; try again"))
    except HTTPException as refusal:
        return refused(refusal)
    return Response(msgspec.json.encode(answer), media_type="application/json")


def refused(refusal: HTTPException) -> JSONResponse:
    """The JSON answer for a refused request."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status_code == 401 else {}
    error = {"field": getattr(refusal, "field", "$"), "reason": refusal.detail}
    if items := getattr(refusal, "items", None):
        error |= {"items": items}
    return JSONResponse({"error": error}, refusal.status_code, headers)
