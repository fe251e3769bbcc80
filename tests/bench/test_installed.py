"""A program is weighed with its own libraries alone."""

import os
import subprocess
import sys
from pathlib import Path

from bench.installed import LOCK, hide, locked, superfluous

FILE = """
# comment
aiohttp==3.14.5 \\
    --hash=sha256:00
psycopg[binary]==3.3 ; python_version >= "3.11"
Typing_Extensions==4.0
"""


def test_a_lock_names_its_packages() -> None:
    assert locked(FILE) == {"aiohttp", "psycopg", "typing-extensions"}


def test_what_tests_need_is_hidden_and_the_rest_is_not(tmp_path: Path) -> None:
    """In a process of its own, which then imports as a plain installation does."""
    assert "pytest" in superfluous(locked(LOCK.read_text()))
    code = "import httpx, structlog, navi_bot\ntry: import pytest\nexcept ImportError: print('no')"
    environment = {**os.environ, "PYTHONPATH": hide(tmp_path / "hidden")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, env=environment, check=True, cwd=LOCK.parent, timeout=30,
    )  # fmt: skip
    assert done.stdout.strip() == b"no"
