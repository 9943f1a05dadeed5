"""/registers/visitors/ID/pass: a visitor's day pass, for a photograph with the visitor's phone or
for paper.

The pass's code is only in the picture, not in an address, a log or the audit. Visitors' phones need
no network for the pass.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.people.passes import REGISTER
from fevergate.registers.declarations import RegisterDeclaration
from fevergate.texts.translations import LANGUAGES, both
from fevergate.web.context import Shared
from fevergate.web.qr_code import qr_picture
from fevergate.web_common.register_pages import RegisterPages
from fevergate.web_common.routes import Form, get, post

PATH = f"/registers/{REGISTER}/{{id:number}}/pass"


class PassPages:
    """Makes and shows the passes of visitors who are inside."""

    def __init__(self, shared: Shared, registers: RegisterPages) -> None:
        self._shared = shared
        self._registers = registers
        self.routes = [get(PATH, self.show), post(PATH, self.make)]

    def make(self, request: Request, _form: Form) -> Response:
        """Make a pass for an open entry, unless it has a valid one."""
        register, id_ = self._register(request), request.path_params["id"]
        with self._shared.store.transaction():  # an entry that is closed meanwhile ends its pass
            if self._shared.entries.get(register.name, id_).closed_at is not None:
                raise HTTPException(409, "meanwhile")
            self._shared.passes.issue(id_, self._shared.registers.pass_ends(register))
        self._shared.note(request, "make pass", f"{register.name} {id_}")
        return RedirectResponse(request.url.path, 303)

    def show(self, request: Request) -> Response:
        """Show the valid pass of an entry, in both languages."""
        register, id_ = self._register(request), request.path_params["id"]
        entry, visitor_pass = (
            self._shared.entries.get(register.name, id_),
            self._shared.passes.get(id_),
        )
        if visitor_pass is None:
            raise HTTPException(404)
        self._shared.note(request, "look at pass", f"{register.name} {id_}")
        settings = self._shared.settings
        return self._shared.page(
            request,
            "pass.html",
            register=register,
            until=visitor_pass.until,
            picture=qr_picture(visitor_pass.code),
            title=both("Visitor's day pass"),
            campus=[settings.campus_title(language) for language in LANGUAGES],
            gate=[settings.gate_title(entry.gate, language) for language in LANGUAGES],
            valid=both("Valid until"),
            how=both("Hold the code before the reader at the kiosk, on the way in and out."),
        )

    def _register(self, request: Request) -> RegisterDeclaration:
        register = self._shared.entries.register(REGISTER)
        if not self._registers.keeps(request, register):
            raise HTTPException(403)
        return register
