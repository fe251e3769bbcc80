"""The unit files, by systemd's own static analysis (there is no running systemd in tests)."""

import shutil
import subprocess
from pathlib import Path

import pytest

from navi_bot.settings import variables

FOLDER = Path(__file__).resolve().parent.parent / "systemd"
UNIT = FOLDER / "navi-bot.service"

EXPOSURE = {"navi-bot.service": 15}
"""Highest score allowed, in tenths of systemd's scale of 0 to 10."""

analysed = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: install systemd"
)


def analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def option(name: str) -> list[str]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


@analysed
@pytest.mark.parametrize("name", EXPOSURE)
def test_unit_is_understood_without_a_word(tmp_path: Path, name: str) -> None:
    """An unknown key alone is only a warning with exit code 0, so stderr must be empty too."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    copy = tmp_path / name
    # The command is not installed where tests run, and systemd looks for it.
    copy.write_text(text.replace("/opt/navi-bot/.venv/bin/navi-bot", "/bin/true"), encoding="utf-8")
    done = analyse("verify", str(copy))
    assert (done.returncode, done.stderr) == (0, "")


@analysed
def test_check_of_the_unit_can_fail(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("UMask=", "Umask="), encoding="utf-8")
    assert "Umask" in analyse("verify", str(copy)).stderr


@analysed
@pytest.mark.parametrize("name", EXPOSURE)
def test_unit_is_hardly_exposed(name: str) -> None:
    done = analyse(
        "security", "--offline=true", f"--threshold={EXPOSURE[name]}", str(FOLDER / name)
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_every_unit_file_is_tested() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(EXPOSURE)


def test_unit_fits_the_daemon() -> None:
    """The daemon speaks to systemd, ends within ten seconds, and exits 78 when settings are bad."""
    wanted = {
        "Type": "notify",
        "WatchdogSec": "60",
        "KillMode": "mixed",
        "TimeoutStopSec": "20",
        "Restart": "always",
        "RestartPreventExitStatus": "78",
        "StateDirectory": "navi-bot",
    }
    assert {name: option(name) for name in wanted} == {
        name: [value] for name, value in wanted.items()
    }


def test_credentials_are_named_like_variables() -> None:
    """A LoadCredential line that is only uncommented works."""
    names = [
        line.partition("=")[2].partition(":")[0]
        for line in UNIT.read_text(encoding="utf-8").splitlines()
        if line.startswith("#LoadCredential=")
    ]
    assert names
    assert {name.upper() for name in names} <= set(variables())
