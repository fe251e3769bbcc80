"""Shards: every test runs in exactly one of them; seeds: other ones are other cases."""

import subprocess
from collections.abc import Sequence

import pytest
from scale import is_ours, shard

from navi_bot.resources import migrations_folder

CHECK = migrations_folder().parent / "scripts" / "check"


@pytest.mark.parametrize("many", [1, 2, 4, 7])
def test_every_test_is_in_one_shard(many: int) -> None:
    names = [f"tests/test_any.py::test_{number}" for number in range(700)]
    sizes = [sum(is_ours(name, which, many) for name in names) for which in range(1, many + 1)]
    assert sum(sizes) == len(names)
    assert max(sizes) < 2 * min(sizes)


@pytest.mark.parametrize("wrong", ["0/4", "5/4", "2", "x/y", "2/4/6"])
def test_a_shard_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """Else a typing error would run nothing and be green."""
    monkeypatch.setenv("NAVI_TEST_SHARD", wrong)
    with pytest.raises(ValueError, match="write it as 2/4"):
        shard()


@pytest.mark.parametrize("arguments", [["--fast"], ["--seed"], ["--full", "--shard"]])
def test_arguments_that_are_none_are_refused(arguments: Sequence[str]) -> None:
    ended = subprocess.run([CHECK, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: scripts/check")
