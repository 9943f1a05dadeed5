"""Pages of the overview: charts of many days, each with its table and CSV."""

from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fevergate.settings.names import Names
from fevergate.texts.translations import N_, translator
from fevergate.web import charts
from fevergate.web.context import Shared
from fevergate.web.overview import Counts, Overview
from fevergate.web_common.downloads import CSV, download
from fevergate.web_common.exports import write_csv
from fevergate.web_common.routes import get
from fevergate.web_common.tables import Cell, Table

PEOPLE = (N_("Normal"), N_("Fever"), N_("Retry"))
TABLES = ("hours", "temperatures", "days", "gates", "term")


class OverviewPages:
    """/admin/overview and below."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            get("/admin/overview", self.overview),
            get("/admin/overview/{table:str}.csv", self.csv),
        ]

    def overview(self, request: Request) -> Response:
        """Show a period's charts."""
        overview = self._shared.overview(request.query_params)
        say = translator(self._shared.language(request))
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
            overview=overview,
            gates=[gate.name for gate in self._shared.settings.gates],
            query=f"from={overview.begin}&to={overview.end}&gate={overview.gate}",
            hours=charts.bar_chart(
                [stacked(f"{hour.hour:02d}", hour) for hour in overview.hours], 2
            ),
            days=charts.bar_chart(
                [stacked(day.date[5:], day) for day in overview.days],
                max(1, len(overview.days) // 8),
            ),
            temperatures=charts.bar_chart(
                [
                    (
                        f"{tenth.body_c:.1f}",
                        f"{tenth.body_c:.1f} °C: {tenth.people}",
                        [("warm", tenth.people)],
                    )
                    for tenth in overview.temperatures
                ],
                max(1, len(overview.temperatures) // 12),
            ),
            term=charts.calendar_chart(
                overview.term, [title(day.date, day) for day in overview.term]
            ),
        )

    def csv(self, request: Request) -> Response:
        """Export the table of a chart as CSV."""
        name = request.path_params["table"]
        if name not in TABLES:
            raise HTTPException(404)
        overview = self._shared.overview(request.query_params)
        language = self._shared.language(request)
        say, names = translator(language), self._shared.settings.names(language)
        table = Table(name, *_table(name, overview, names))
        table = table._replace(columns=[say(title) for title in table.columns])
        file = f"overview-{name}-{overview.campus}-{overview.begin}-{overview.end}.csv"
        return download(file, CSV, partial(write_csv, table))


def _table(name: str, overview: Overview, names: Names) -> tuple[list[str], list[list[Cell]]]:
    if name == "temperatures":
        rows: list[list[Cell]] = [[tenth.body_c, tenth.people] for tenth in overview.temperatures]
        return [N_("Body °C (axillary equivalent)"), N_("People")], rows
    if name == "hours":
        return [N_("Hour"), *PEOPLE], [[hour.hour, *_people(hour)] for hour in overview.hours]
    if name == "gates":
        return [N_("Gate"), *PEOPLE], [
            [names.gate(gate.gate), *_people(gate)] for gate in overview.gates
        ]
    days = overview.term if name == "term" else overview.days
    columns = [N_("Date"), *PEOPLE, N_("Kiosks that watched")]
    return columns, [[day.date, *_people(day), day.watched] for day in days]


def _people(counts: Counts) -> list[Cell]:
    return [counts.normal, counts.fever, counts.retry]
