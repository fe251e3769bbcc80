import os
import subprocess
import sys
from pathlib import Path

import pytest

from navi_bot.errors import ConfigurationError
from navi_bot.guard import refuse_foreign_packages

ROOT = Path(__file__).resolve().parent.parent


def test_own_packages_pass() -> None:
    refuse_foreign_packages()


@pytest.mark.parametrize("name", ["tools", "adapters"])
@pytest.mark.parametrize("kind", ["package", "module"])
def test_foreign_package_is_a_clear_error(tmp_path: Path, name: str, kind: str) -> None:
    """Whatever hides our package is named before anything of it runs."""
    foreign = tmp_path / name / "__init__.py" if kind == "package" else tmp_path / f"{name}.py"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("raise SystemExit('it ran')")
    done = subprocess.run(
        [sys.executable, "-m", "navi_bot", "check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert f"'{name}'" in line
    assert str(foreign) in line
    assert done.stdout == ""


def test_missing_package_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="install navi-bot again"):
        refuse_foreign_packages(("no_such_package_of_ours",))
