"""What is written down is what was measured."""

import json
import math
from datetime import date
from pathlib import Path

import pytest

from bench.cores import divided
from bench.figure import Figure, Line
from bench.record import as_json, as_markdown, write
from bench.row import Row, failed, table

DAY = date(2026, 11, 21)
FIGURE = Figure("share", "Share", "request", "share", (Line("ours", range(3), (0.9, 1.0, 1.0)),))
ROWS = [
    Row("cost: an answer | bare", 2.123456, "ratio", 2.5, "138 ms", runs=(2.0, 2.2)),
    Row("prefix: share", 0.9, "share", 0.97, at_least=True, figure=FIGURE),
    failed("rooms", "TimeoutError: the server is away"),
]


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("n", 1.0, "s", 1.0), True),
        (Row("n", 1.1, "s", 1.0), False),
        (Row("n", 1.1, "s", 1.0, at_least=True), True),
        (Row("n", 0.9, "s", 1.0, at_least=True), False),
        (failed("n", "why"), False),
    ],
)
def test_a_mark_is_kept_from_its_own_side(row: Row, holds: bool) -> None:
    assert row.holds is holds


def test_the_table_has_every_row_with_its_mark() -> None:
    lines = table(ROWS).splitlines()
    assert [line[0] for line in lines if line[0] in "✓✗"] == ["✓", "✗", "✗"]
    assert "2…2.2" in lines[1]
    assert "the server is away" in lines[-1]


def test_json_is_for_any_reader() -> None:
    """No NaN, few digits, one row a line."""
    text = as_json(ROWS)
    found = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert [row["value"] for row in found["rows"]] == [2.123, 0.9, None]
    assert found["rows"][1]["figure"]["lines"][0]["across"] == [0, 1, 2]
    assert len(text.splitlines()) == len(ROWS) + 3


def test_the_page_shows_rows_and_pictures() -> None:
    page = as_markdown(ROWS, DAY)
    assert "2026-11-21" in page
    assert "precedence: " in page
    assert "| ✓ | cost: an answer / bare | 2.12 | ≤ 2.5 | ratio | 2…2.2 | 138 ms |" in page
    assert "![Share](share.svg)" in page


def test_writing_anew_leaves_no_old_picture(tmp_path: Path) -> None:
    (tmp_path / "old.svg").write_text("<svg/>")
    write(ROWS, DAY, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"results.json", "results.md", "share.svg"}


def test_one_core_is_shared_and_said_so() -> None:
    alone, apart = divided(frozenset([3])), divided(frozenset([2, 5, 7]))
    assert (set(alone.tested), set(alone.rest), alone.are_apart) == ({3}, {3}, False)
    assert (set(apart.tested), set(apart.rest), apart.are_apart) == ({2}, {5, 7}, True)
    assert "one core for all" in str(alone)


def test_a_failed_measurement_has_no_value() -> None:
    assert math.isnan(failed("n", "why").value)
