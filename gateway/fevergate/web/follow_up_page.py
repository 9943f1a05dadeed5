"""The follow-up of a fever, as the guard reads and writes it."""

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import FollowUpError
from fevergate.reports.fevers import Fever, identity_of
from fevergate.storage.presences import person_of
from fevergate.web.context import Shared
from fevergate.web.follow_ups import OUTCOMES, SITES, FollowUp, parse
from fevergate.web.passer_pages import known_person
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, local_path, post


class FollowUpPage:
    """The page of a fever's follow-up."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        fever = "/fevers/{kiosk:str}/{boot:str}/{seq:str}"
        self.routes = [get(fever, self.follow_up), post(fever, self.save_follow_up)]

    def follow_up(self, request: Request) -> Response:
        """Show the follow-up of a fever."""
        fever, follow_up = self._fever(request)
        self._shared.note(request, "look at follow-up", str(identity_of(fever)))
        with self._shared.reader() as reader:
            person = None if follow_up.revision else person_of(reader, *identity_of(fever))
        card = known_person(self._shared, person) if person is not None else None
        if card:
            follow_up = replace(follow_up, person=card.name, unit=card.unit, phone=card.phone)
        return self._follow_up_page(request, fever, follow_up, by_card=card is not None)

    def save_follow_up(self, request: Request, form: Form) -> Response:
        """Save the follow-up of a fever."""
        fever, follow_up = self._fever(request)
        session = session_of(request)
        on_duty = self._chosen(form, fever.gate, session.user)
        reopen = session.role == "administrator"
        try:
            new = parse(form, closed=form["action"] == "close")
            changes = self._shared.follow_ups.save(
                *(identity_of(fever), new),
                f"{on_duty} ({session.user})" if on_duty else session.user,
                reopen=reopen,
                reason=form["reason"].strip(),
            )
        except FollowUpError as error:
            return self._follow_up_page(request, fever, follow_up, form, error)
        words = filter(None, (f"by: {on_duty}" if on_duty else "", changes))
        text = f"{identity_of(fever)} {', '.join(words)}".strip()
        self._shared.note(request, "save follow-up", text)
        # The fever's gate may have been removed from the settings.
        gates = [gate.name for gate in self._shared.settings.gates]
        gate = fever.gate if fever.gate in gates else gates[0]
        return RedirectResponse(local_path(form["back"], f"/board/{gate}"), 303)

    def _chosen(self, form: Form, gate: str, user: str) -> str:
        """The name on duty that was chosen on the board. Empty if it is `user`, who is signed in,
        or of somebody who is no longer on duty: what was typed is saved all the same."""
        by = form["by"]
        return by if by != user and by in self._shared.duty.present(gate) else ""

    def _fever(self, request: Request) -> tuple[Fever, FollowUp]:
        fever = self._shared.fever(**request.path_params)
        return fever, self._shared.follow_ups.get(identity_of(fever)) or FollowUp()

    def _follow_up_page(
        self,
        request: Request,
        fever: Fever,
        follow_up: FollowUp,
        given: Form | None = None,
        error: FollowUpError | None = None,
        *,
        by_card: bool = False,
    ) -> Response:
        return self._shared.page(
            request,
            "follow_up.html",
            fever=fever,
            known=follow_up,
            by_card=by_card,
            given=given,
            error=error,
            back=local_path((given or request.query_params).get("back", ""), ""),
            sites=SITES,
            outcomes=OUTCOMES,
            days=self._shared.settings.retention.persons_days,
        )
