"""Traces for programs, with a token of the scope `trace`."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fevergate.errors import TraceError
from fevergate.web.api_part import ApiPart, Short
from fevergate.web.openapi import Operations
from fevergate.web.trace import MAX_REASON, MOST_MINUTES, Trace, TraceRequest
from fevergate.web_common.middleware import actor_of

operation = Operations()


class NewTrace(Struct, kw_only=True, forbid_unknown_fields=True):
    """A fever by its record (`kiosk/boot/seq`), the minutes before and after it that count, and the
    reason for the trace, which must name nobody because the audit keeps it."""

    record: Short
    minutes: Annotated[int, Meta(ge=1, le=MOST_MINUTES)] = 10
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class TraceApi(ApiPart):
    """The operation /api/v1/trace."""

    @operation(
        *("POST", "/trace", "trace", "Who passed the gate around a fever, and visitors inside"),
        errors=(400, 413),
    )
    def trace(self, request: Request, body: NewTrace) -> Trace:
        trace_request = TraceRequest(record=body.record, minutes=body.minutes, reason=body.reason)
        try:
            return self._shared.tracer.trace(trace_request, actor_of(request))
        except TraceError as error:
            raise HTTPException(400, error.reason) from None
