"""The database opens in Datasette, which explains every table and column."""

import asyncio
import json
import sys

import real_micropython
from samples import AT, arrived

from fevergate.storage.store import Store

METADATA = json.loads((real_micropython.ROOT / "gateway/datasette.json").read_text())
TABLES = METADATA["databases"]["fevergate"]["tables"]


def columns(path):
    store = Store(path)
    try:
        store.commit([arrived(1, "fever", body_c=38.4)])
        return {table.name: {column.name for column in table.columns} for table in store.db.tables}
    finally:
        store.close()


def test_every_table_and_column_is_explained_and_no_other(tmp_path):
    names_by_table = columns(tmp_path / "fevergate.db")
    assert {name: set(table["columns"]) for name, table in TABLES.items()} == names_by_table
    for table in TABLES.values():
        assert table["title"] and table["description"]
        assert all(text.endswith(".") for text in table["columns"].values())


def test_datasette_shows_the_readings_with_their_explanations(tmp_path, monkeypatch):
    columns(tmp_path / "fevergate.db")

    # Datasette's units would load the solver `mip` if it were installed; the board's type stubs
    # bring a folder of the same name, which is not the solver.
    monkeypatch.setitem(sys.modules, "mip", None)
    from datasette.app import Datasette

    async def pages():
        sette = Datasette([str(tmp_path / "fevergate.db")], metadata=METADATA)
        await sette.invoke_startup()
        page = (await sette.client.get("/fevergate/readings")).text
        rows = (await sette.client.get("/fevergate/fevers.json?_shape=array")).json()
        return page, rows

    page, rows = asyncio.run(pages())
    assert TABLES["readings"]["columns"]["body_c"].split(",")[0] in page and "38.4" in page
    assert rows[0]["raised_at"] == AT + 100
