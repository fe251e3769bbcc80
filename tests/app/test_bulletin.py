"""What `systemctl status` says of the daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pytest

from navi_bot.app.bulletin import Standing, bulletin


@dataclass
class Platform:
    platform: str
    trouble: str = ""


@dataclass
class Account:
    adapter: Platform
    state: str = "online"


DEAF = "Telegram does not answer."


@pytest.mark.parametrize(
    ("accounts", "safe", "said"),
    [
        pytest.param([Account(Platform("telegram"))], False, "serving telegram", id="one"),
        pytest.param(
            [Account(Platform("telegram")), Account(Platform("matrix"))],
            True,
            "safe mode; serving telegram, matrix",
            id="two in safe mode",
        ),
        pytest.param(
            [Account(Platform("telegram"), "connecting")],
            False,
            "serving nobody yet; telegram: connecting",
            id="not yet",
        ),
        pytest.param(
            [Account(Platform("telegram"), "standing by")],
            False,
            "serving nobody yet; telegram: standing by",
            id="another has the lease",
        ),
        pytest.param(
            [Account(Platform("telegram", DEAF)), Account(Platform("matrix"), "ended")],
            False,
            f"serving telegram; telegram: {DEAF}; matrix: ended",
            id="in trouble",
        ),
        pytest.param(
            [Account(Platform("telegram", DEAF), "connecting")],
            False,
            f"serving nobody yet; telegram: {DEAF}",
            id="in trouble from the start",
        ),
    ],
)
def test_it_names_who_is_served_and_what_is_wrong(
    accounts: Sequence[Account], safe: bool, said: str
) -> None:
    assert bulletin(cast("Sequence[Standing]", accounts), safe=safe) == said
