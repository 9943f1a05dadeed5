"""Many days at a glance: charts, each with its table and its CSV."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fevergate.texts.translations import N_, translations
from fevergate.web import charts
from fevergate.web.context import Shared
from fevergate.web.overview import Counts, Overview, period, read_overview
from fevergate.web_common.exports import as_csv
from fevergate.web_common.tables import Cell, Table

PEOPLE = (N_("Normal"), N_("Fever"), N_("Retry"))
TABLES = ("hours", "temperatures", "days", "gates", "term")


class OverviewPages:
    """All below /admin/overview."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            Route("/admin/overview", self.overview),
            Route("/admin/overview/{table:str}.csv", self.csv),
        ]

    async def overview(self, request: Request) -> Response:
        """A period's charts."""
        found = await run_in_threadpool(self._read, request)
        say = translations(self._shared.language(request)).gettext
        people = say("%(normal)d normal, %(fever)d fever, %(retry)d retries")

        def title(name: str, of: Counts) -> str:
            counts = {"normal": of.normal, "fever": of.fever, "retry": of.retry}
            return f"{name}: {people % counts}"

        def stacked(name: str, of: Counts) -> tuple[str, str, list[tuple[str, int]]]:
            parts = [("normal", of.normal), ("retry", of.retry), ("fever", of.fever)]
            return name, title(name, of), parts

        return self._shared.page(
            request,
            "overview.html",
            found=found,
            gates=[gate.name for gate in self._shared.settings.gates],
            query=f"from={found.begin}&to={found.end}&gate={found.gate}",
            hours=charts.bar_chart([stacked(f"{one.hour:02d}", one) for one in found.hours], 2),
            days=charts.bar_chart(
                [stacked(one.date[5:], one) for one in found.days], max(1, len(found.days) // 8)
            ),
            temperatures=charts.bar_chart(
                [
                    (
                        f"{one.body_c:.1f}",
                        f"{one.body_c:.1f} °C: {one.people}",
                        [("warm", one.people)],
                    )
                    for one in found.temperatures
                ],
                max(1, len(found.temperatures) // 12),
            ),
            term=charts.calendar_chart(found.term, [title(one.date, one) for one in found.term]),
        )

    async def csv(self, request: Request) -> Response:
        """One chart's table."""
        name = request.path_params["table"]
        if name not in TABLES:
            raise HTTPException(404)
        found = await run_in_threadpool(self._read, request)
        say = translations(self._shared.language(request)).gettext
        table = Table(name, *_table(name, found))
        table = table._replace(columns=[say(title) for title in table.columns])
        file = f"overview-{name}-{found.campus}-{found.begin}-{found.end}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
        return Response(as_csv(table), media_type="text/csv; charset=utf-8", headers=headers)

    def _read(self, request: Request) -> Overview:
        asked = request.query_params
        when = period(self._shared.clock.today(), asked.get("from"), asked.get("to"))
        with self._shared.reader() as reader:
            return read_overview(reader, self._shared.settings, when, asked.get("gate", ""))


def _table(name: str, found: Overview) -> tuple[list[str], list[list[Cell]]]:
    if name == "temperatures":
        rows: list[list[Cell]] = [[one.body_c, one.people] for one in found.temperatures]
        return [N_("Body °C (axillary equivalent)"), N_("People")], rows
    if name == "hours":
        return [N_("Hour"), *PEOPLE], [[one.hour, *_people(one)] for one in found.hours]
    if name == "gates":
        return [N_("Gate"), *PEOPLE], [[one.gate, *_people(one)] for one in found.gates]
    days = found.term if name == "term" else found.days
    columns = [N_("Date"), *PEOPLE, N_("Kiosks that watched")]
    return columns, [[one.date, *_people(one), one.watched] for one in days]


def _people(one: Counts) -> list[Cell]:
    return [one.normal, one.fever, one.retry]
