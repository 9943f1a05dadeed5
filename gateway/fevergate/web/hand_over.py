"""The page on which one person on duty hands over to the next, in two taps from the board."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import DutyError, EntryError
from fevergate.web.context import Shared
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post, whole_number

AT_ONCE = 4
"""Most people who have a button; the others are in a list."""


class HandOverPages:
    """/board/GATE/duty, for everybody who sees the board."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        path = "/board/{gate:str}/duty"
        self.routes = [get(path, self.duty), post(path, self.hand_over)]

    def duty(self, request: Request, error: str = "") -> Response:
        """Show who is on duty at a gate, and who may take over."""
        gate = self._shared.gate_of(request)
        shifts = self._shared.duty.shifts(gate)
        names = self._shared.duty.candidates(gate, session_of(request).user)
        return self._shared.page(
            request,
            "hand_over.html",
            gate=gate,
            shifts=[shift for shift in shifts if shift.timed],
            always=[shift.name for shift in shifts if not shift.timed],
            names=names,
            at_once=AT_ONCE,
            error=error,
        )

    def hand_over(self, request: Request, form: Form) -> Response:
        """Hand a shift over, or begin one if nobody is on duty."""
        gate, user, name = self._shared.gate_of(request), session_of(request).user, form["to"]
        duty = self._shared.duty
        if name not in duty.candidates(gate, user):
            raise HTTPException(400, "choice")
        try:
            if form["shift"]:
                shift_id, revision = whole_number(form["shift"], 16), whole_number(form["revision"])
                before = duty.hand_over(gate, shift_id, revision, name, user)
                self._shared.note(request, "hand over", f"{gate} by {before.name} → {name}")
            else:
                duty.begin(gate, name, user)
                self._shared.note(request, "on duty", f"{name} {gate}")
        except DutyError as error:
            return self.duty(request, error.reason)
        except EntryError:
            return self.duty(request, "meanwhile_duty")
        return RedirectResponse(f"/board/{gate}", 303)
