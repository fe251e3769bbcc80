"""What a run leaves in docs/benchmarks: figures as JSON, a table, pictures."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.cores import machine
from bench.drawing import picture
from bench.row import Row

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
DIGITS = 4
"""Significant digits that the JSON keeps; more are noise."""


def as_json(rows: Sequence[Row]) -> str:
    """Return the machine and the rows, one a line."""
    here = json.dumps(machine(), ensure_ascii=False)
    lines = [json.dumps(_rounded(row.as_json()), ensure_ascii=False) for row in rows]
    listed = ",\n".join(lines)
    return f'{{"machine": {here},\n"rows": [\n{listed}\n]}}\n'


def as_markdown(rows: Sequence[Row], day: date) -> str:
    """Return the page that shows what was measured last."""
    here = machine()
    figures = [row.figure for row in rows if row.figure is not None]
    lines = [
        "# Results",
        "",
        f"Measured on {day.isoformat()} by `scripts/bench --write`: {here['processor']}, "
        f"{here['cores']} cores ({here['division']}; precedence: {here['precedence']}), "
        f"{here['system']}, Python {here['python']}.",
        "What the rows mean stands in [README.md](README.md).",
        "",
        "| | measurement | value | asked | unit | runs | |",
        "|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
        "",
        *(f"![{figure.title}]({figure.name}.svg)" for figure in figures),
    ]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], day: date, folder: Path = FOLDER) -> None:
    """Write everything; pictures of rows that are no more are taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(as_json(rows), encoding="utf-8")
    (folder / "results.md").write_text(as_markdown(rows, day), encoding="utf-8")
    for old in folder.glob("*.svg"):
        old.unlink()
    for row in rows:
        if row.figure is not None:
            file = folder / f"{row.figure.name}.svg"
            file.write_text(picture(row.figure), encoding="utf-8")


def _line(row: Row) -> str:
    cells = [row.mark, row.name, f"{row.value:.3g}", row.asked, row.unit, row.spread, row.detail]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _rounded(value: object) -> object:
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {key: _rounded(inner) for key, inner in value.items()}
        case str():
            return value
        case Sequence():
            return [_rounded(inner) for inner in value]
    return value
