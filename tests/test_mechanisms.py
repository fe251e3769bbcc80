"""The catalogue of mechanisms, held against the code: docs/mechanisms.md."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "docs" / "mechanisms.md"

EXPECTED = (
    "N-01…N-62 N-97…N-114 N-116…N-118 N-131…N-132 N-135…N-137 N-139…N-140 "
    "N-144…N-145 N-147 "
    "V-23…V-24 V-27…V-28 V-32 V-36 V-39…V-40 V-45 "
    "NX-01 NX-12…NX-14 NX-19…NX-20 NX-24 VX-01…VX-02 VX-06 VX-09 "
    "C-01…C-07 C-10…C-15 "
    "T-01…T-05 T-08…T-09 T-12…T-18"
)
"""Ids that the catalogue must tell about; the next parts of the work add theirs."""

SORTS = ("Otherwise", "In part", "Not yet")
"""How a reason to differ begins."""

_ID = re.compile(r"(N|V|NX|VX|C|T)-\d{2,3}")
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@dataclass(frozen=True)
class Built:
    """A row of a mechanism that is there."""

    id: str
    words: str
    path: str
    test: str


def cells(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row that begins with an id."""
    for line in text.splitlines():
        row = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and _ID.fullmatch(row[0].strip("| ")):
            yield row


def built(text: str) -> list[Built]:
    return [Built(*row) for row in cells(text) if len(row) == 4]


def reasons(text: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in cells(text) if len(row) == 2]


def ids(ranges: str) -> Iterator[str]:
    """Yield every id of "N-01…N-03 T-05"."""
    for part in ranges.split():
        first, _, last = part.partition("…")
        kind, begin = first.split("-")
        end = last.split("-")[1] if last else begin
        for number in range(int(begin), int(end) + 1):
            yield f"{kind}-{number:02}"


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def missing_path(row: Built) -> str:
    path = row.path.strip("`")
    return "" if (ROOT / path).is_file() else f"{row.id}: there is no {path}"


def missing_test(row: Built) -> str:
    match = _TEST.fullmatch(row.test)
    if match is None:
        return f"{row.id}: {row.test} names no test"
    path = ROOT / match[1]
    if path.is_file() and match[2] in functions_of(path):
        return ""
    return f"{row.id}: there is no {match[2]} in {match[1]}"


def doubled(found: list[str]) -> list[str]:
    return [one for one, count in Counter(found).items() if count > 1]


TEXT = CATALOGUE.read_text(encoding="utf-8")


def test_ids_are_there_once() -> None:
    """A mechanism has one row, and at most one reason to differ."""
    assert doubled([row.id for row in built(TEXT)]) == []
    assert doubled([id_ for id_, _ in reasons(TEXT)]) == []


def test_every_mechanism_has_its_row_or_its_reason() -> None:
    told = {row.id for row in built(TEXT)} | {id_ for id_, _ in reasons(TEXT)}
    assert [id_ for id_ in ids(EXPECTED) if id_ not in told] == []


def test_every_path_exists() -> None:
    assert [fault for row in built(TEXT) if (fault := missing_path(row))] == []


def test_every_named_test_exists() -> None:
    assert [fault for row in built(TEXT) if (fault := missing_test(row))] == []


def test_every_row_says_something() -> None:
    """What it does in a sentence; a reason says of which sort it is and then why."""
    for row in built(TEXT):
        assert row.words.endswith("."), row.id
    there = {row.id for row in built(TEXT)}
    for id_, reason in reasons(TEXT):
        sort = next((sort for sort in SORTS if reason.startswith(sort)), "")
        assert sort, id_
        assert len(reason) > len(sort) + 10, id_
        assert (id_ in there) == (sort != "Not yet"), id_


WRONG = {
    "no path": ("| N-01 | It is. | `navi_bot/gone.py` | `tests/test_cli.py::test_x` |", "gone.py"),
    "no test": ("| N-01 | It is. | `navi_bot/cli.py` | `tests/test_cli.py::test_x` |", "test_x"),
    "no name": ("| N-01 | It is. | `navi_bot/cli.py` | somewhere |", "names no test"),
}


@pytest.mark.parametrize(("line", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_row_is_noticed(line: str, named: str) -> None:
    (row,) = built(line)
    assert named in missing_path(row) + missing_test(row)


def test_ranges_are_counted_out() -> None:
    assert list(ids("N-08…N-10 V-100 T-05")) == ["N-08", "N-09", "N-10", "V-100", "T-05"]
