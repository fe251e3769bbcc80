import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from navi_bot.errors import ConfigurationError
from navi_bot.resources import migrations_folder, profiles_folder, shipped

ROOT = Path(__file__).resolve().parent.parent


def test_checkout_folders_come_first() -> None:
    """In a checkout an edited profile counts at once."""
    assert profiles_folder() == ROOT / "profiles"
    assert migrations_folder() == ROOT / "migrations"


def test_foreign_folder_beside_an_installed_package_is_ignored(tmp_path: Path) -> None:
    package = tmp_path / "navi_bot"
    for folder in (package / "profiles", tmp_path / "profiles"):
        folder.mkdir(parents=True)
    assert shipped("profiles", package) == package / "profiles"
    (tmp_path / "pyproject.toml").touch()
    assert shipped("profiles", package) == tmp_path / "profiles"


def test_missing_folder_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="install navi-bot again"):
        shipped("migrations", tmp_path / "navi_bot")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, built without network, as an installer unpacks it."""
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(out),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_wheel_finds_its_own_copies(unpacked: Path) -> None:
    """Installed, the folders are data inside the package, and equal to the checkout's."""
    finder = (
        "from navi_bot.resources import migrations_folder, profiles_folder\n"
        "print(migrations_folder(), profiles_folder(), sep='\\n')"
    )
    found = subprocess.run(
        [sys.executable, "-c", finder],
        cwd=unpacked,  # the first place on the path of -c
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    assert found == [str(unpacked / "navi_bot/migrations"), str(unpacked / "navi_bot/profiles")]
    for folder in ("migrations", "profiles"):
        names = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        copies = unpacked / "navi_bot"
        assert names == {
            path.relative_to(copies) for path in (copies / folder).rglob("*") if path.is_file()
        }
        assert names


def test_wheel_holds_every_package_and_nothing_of_the_tests(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"navi_bot", "adapters", "tools"}
    for package in tops:
        names = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert names == {path.relative_to(unpacked) for path in (unpacked / package).rglob("*.py")}
