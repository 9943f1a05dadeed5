"""The table of all states of the pages reports what is wrong in a picture."""

import json

from click.testing import CliRunner

from harness.browser import chromium
from harness.page_states import SIZES
from screenshots.state_table import WHAT, Table, command


def test_each_picture_is_judged_and_named_where_something_is_wrong(tmp_path):
    table = Table(tmp_path)
    with chromium() as browser:
        page = browser.new_page()
        page.set_content("<html lang=en><title>t</title><main><p style='width: 500px'>wide</p>")
        table.take("broad", "en", page)
        assert table.wrong and all("-phone: " in fault for fault in table.wrong)
        page.set_content("<html lang=en><title>t</title><main><input></main>")
        table.take("nameless", "en", page)
    assert {f"nameless-en-{size}" for size in SIZES} <= {
        fault.partition(":")[0] for fault in table.wrong if ": label: " in fault
    }
    assert len(list(table.sheets())) == len(SIZES)
    table.write_index(WHAT)
    assert "nameless-en-wall: label" in (tmp_path / "index.html").read_text()


def test_one_state_is_taken_in_every_size(tmp_path):
    arguments = ["--only", "nowhere", "--language", "en", "--json"]
    result = CliRunner().invoke(command, [str(tmp_path), *arguments])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output.splitlines()[-1])
    assert figures == {"states": 1, "pictures": 4, "sheets": 4, "wrong": 0}
    assert len(list(tmp_path.glob("nowhere-en-*.png"))) == 4


def test_there_are_forty_states_at_least_and_each_says_what_it_is():
    assert len(WHAT) >= 40 and all(text.endswith(".") for text in WHAT.values())
