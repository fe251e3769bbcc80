"""Run the measurements: python -m bench [NAME…] [--write] [--strict] [--json FILE]."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bench import (  # the strict servers are there
    cost,
    history,
    limits,
    live_message,
    matrix,
    path,
    prefix,
    recalls,
    record,
    rooms,
    round_trips,
    size,
    stop,
)
from bench.cores import CORES  # the same
from bench.row import Row, failed, table  # the same

MEASUREMENTS: Mapping[str, Callable[[], Awaitable[list[Row]]]] = {
    "path": path.measure,
    "cost": cost.measure,
    "rooms": rooms.measure,
    "limited": rooms.measure_limited,
    "size": size.measure,
    "prefix": prefix.measure,
    "history": history.measure,
    "database": round_trips.measure,
    "live": live_message.measure,
    "recalls": recalls.measure,
    "limits": limits.measure,
    "stop": stop.measure,
    "matrix": matrix.measure,
}
"""One line a measurement: its name on the command line, and what gives its rows."""


def main() -> int:
    """Measure and print the table; 1 if a mark is missed and that was asked for."""
    parser = argparse.ArgumentParser("bench", description="Ratios, measured side by side.")
    known = ", ".join(MEASUREMENTS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {known}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks anew")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a mark is missed")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(MEASUREMENTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    if chosen.write and chosen.names:
        parser.error("--write is for all measurements together")
    print(CORES, file=sys.stderr)
    rows = [row for name in chosen.names or MEASUREMENTS for row in _rows(name)]
    print(table(rows))
    if chosen.json:
        chosen.json.write_text(record.as_json(rows), encoding="utf-8")
    if chosen.write:
        record.write(rows, datetime.now(UTC).date())
    return 1 if chosen.strict and not all(row.holds for row in rows) else 0


def _rows(name: str) -> list[Row]:
    """Make one measurement; the boundary of its faults."""
    began = time.monotonic()
    try:
        rows = asyncio.run(_measured(name))
    except Exception as error:  # noqa: BLE001 - one that fails is a row that says so
        rows = [failed(name, f"{type(error).__name__}: {str(error)[:300]}")]
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return rows


async def _measured(name: str) -> list[Row]:
    return await MEASUREMENTS[name]()


if __name__ == "__main__":
    raise SystemExit(main())
