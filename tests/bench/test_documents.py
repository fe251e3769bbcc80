"""What can be measured is explained."""

import pytest

from bench.__main__ import MEASUREMENTS
from bench.record import FOLDER


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_the_page_explains_every_measurement(name: str) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"\n| `{name}` | " in page
