"""How much one run of the tests does, and with which seeds.

    NAVI_TEST_FULL=1 ..... the large counts
    NAVI_TEST_SEED=7 ..... other random cases than those of seed 0
    NAVI_TEST_SHARD=2/4 .. every fourth test, from the second on

`scripts/check --full --seed 7 --shard 2/4` sets them.
"""

import os
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

FULL = os.environ.get("NAVI_TEST_FULL") == "1"
SEED = int(os.environ.get("NAVI_TEST_SEED") or 0)


def scaled(small: T, full: T) -> T:
    """Return the count for this run."""
    return full if FULL else small


def seeds(count: int) -> range:
    """Return that many seeds; those of another NAVI_TEST_SEED are other ones."""
    return range(SEED * 1_000_000, SEED * 1_000_000 + count)


def shard() -> tuple[int, int]:
    """Return (which, of how many), counted from 1."""
    which, _, many = (os.environ.get("NAVI_TEST_SHARD") or "1/1").partition("/")
    if not (which.isdigit() and many.isdigit() and 1 <= int(which) <= int(many)):
        raise ValueError(f"NAVI_TEST_SHARD is {which}/{many}; write it as 2/4.")
    return int(which), int(many)


def is_ours(name: str, which: int, many: int) -> bool:
    """Whether a test belongs to a shard; the same on every machine."""
    return crc32(name.encode()) % many == which - 1
