"""Run the measurements: python -m bench [NAME…] [--json FILE]."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bench import (  # the strict servers are there
    daemon_path,
    history,
    live_message,
)
from bench.row import Row, table  # the same

MEASUREMENTS: Mapping[str, Callable[[], Awaitable[list[Row]]]] = {
    "live": live_message.measure,
    "history": history.measure,
    "daemon": daemon_path.measure,
}
"""One line a measurement: its name on the command line, and what gives its rows."""


def main() -> int:
    """Measure, print the table; 1 if a bar was missed."""
    parser = argparse.ArgumentParser("bench", description="Ratios, measured side by side.")
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS], metavar="NAME")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    chosen = parser.parse_args()
    rows: list[Row] = []
    for name in chosen.names or MEASUREMENTS:
        rows += asyncio.run(_rows(name))
    print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    return 0 if all(row.holds for row in rows) else 1


async def _rows(name: str) -> list[Row]:
    return await MEASUREMENTS[name]()


if __name__ == "__main__":
    raise SystemExit(main())
