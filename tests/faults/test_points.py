"""Each fault point stands at one place."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from faults.switchboard import POINTS

ROOT = Path(__file__).resolve().parent.parent.parent


def placed() -> Iterator[str]:
    """Yield the names that `reached` is called with, all over the program."""
    for folder in ("navi_bot", "adapters", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "reached":
                    for part in ast.walk(node):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield part.value


def test_every_point_is_placed_once() -> None:
    assert Counter(placed()) == Counter(POINTS)


def test_the_program_never_sets_the_hook() -> None:
    """No setting and no environment variable leads to it."""
    for path in sorted((ROOT / "navi_bot").rglob("*.py")):
        if path.name != "fault_points.py":
            assert "fault_points import watch" not in path.read_text(encoding="utf-8"), path
            assert "fault_points.watch" not in path.read_text(encoding="utf-8"), path
