import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from navi_bot import cli
from navi_bot.errors import Bug, ConfigurationError, StoreUnavailable
from navi_bot.settings import Settings, variables

SETTINGS = dict.fromkeys(variables(), "")


def navi(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own, without any setting but those given."""
    return subprocess.run(
        [sys.executable, "-m", "navi_bot", *arguments],
        cwd=folder,
        env={**os.environ, **SETTINGS, "NAVI_DATA_DIR": str(folder / "data"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_reader_who_leaves_early_is_no_fault(tmp_path: Path) -> None:
    """`navi-bot check | head -1` says nothing on stderr."""
    command = f"{sys.executable} -m navi_bot check | true"
    environment = {**os.environ, **SETTINGS, "NAVI_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "fault" not in done.stderr
    assert "Error" not in done.stderr


def test_version_is_told(tmp_path: Path) -> None:
    done = navi(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"navi-bot {version('navi-bot')}\n")


WRONG: list[list[str]] = [
    [],
    ["dance"],
    ["run", "--fast"],
    ["pair"],
    ["pair", "approve"],
    ["pair", "revoke", "1234"],
    ["pair", "revoke", ":1234"],
    ["pair", "revoke", "telegram:"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_arguments_are_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(arguments)
    assert ended.value.code == 2
    assert "usage: navi-bot" in capsys.readouterr().err


RIGHT: list[tuple[list[str], dict[str, object]]] = [
    (["run"], {"command": "run", "demo": False}),
    (["run", "--demo"], {"command": "run", "demo": True}),
    (["chat"], {"command": "chat"}),
    (["check"], {"command": "check"}),
    (["migrate"], {"command": "migrate"}),
    (["pair", "list"], {"command": "pair", "act": "list"}),
    (["pair", "approve", "ABCD"], {"command": "pair", "act": "approve", "code": "ABCD"}),
    (
        ["pair", "revoke", "matrix:@me:example.org"],
        {"command": "pair", "act": "revoke", "who": ("matrix", "@me:example.org")},
    ),
]


@pytest.mark.parametrize(("arguments", "chosen"), RIGHT, ids=lambda each: " ".join(each))
def test_arguments_are_read(arguments: list[str], chosen: dict[str, object]) -> None:
    assert vars(cli.parser().parse_args(arguments)) == chosen


@pytest.mark.parametrize("command", [["run"], ["chat"], ["check"], ["migrate"], ["pair", "list"]])
def test_unusable_settings_end_every_command_with_78(tmp_path: Path, command: list[str]) -> None:
    """One line per fault on stderr, nothing else, and nothing is made."""
    done = navi(
        tmp_path, *command, NAVI_OWNERS="telegram:@me", NAVI_TIMEZONE="Mars", NAVI_DRAIN="-1"
    )
    assert done.returncode == 78
    assert done.stdout == ""
    assert sorted(line.split()[0] for line in done.stderr.splitlines()) == [
        "NAVI_DRAIN",
        "NAVI_OWNERS",
        "NAVI_TIMEZONE",
    ]
    assert list(tmp_path.iterdir()) == []


ENDS: dict[str, tuple[Exception, int, list[str]]] = {
    "settings": (
        ConfigurationError("A is wrong.", "B is wrong."),
        78,
        ["A is wrong.", "B is wrong."],
    ),
    "outside": (
        StoreUnavailable("The database does not answer."),
        1,
        ["The database does not answer."],
    ),
    "in groups": (
        ExceptionGroup("tasks", [ExceptionGroup("more", [ConfigurationError("A is wrong.")])]),
        78,
        ["A is wrong."],
    ),
    "of both kinds": (
        ExceptionGroup(
            "tasks", [ConfigurationError("A is wrong."), StoreUnavailable("It is away.")]
        ),
        1,
        ["A is wrong.", "It is away."],
    ),
    "our own invariant": (Bug("Two turns run in one room."), 1, ["Two turns run in one room."]),
    "unforeseen": (
        ZeroDivisionError("secret detail"),
        1,
        ["A fault of navi-bot's own (ZeroDivisionError); it is in the log."],
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_each_end_is_told_in_sentences(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback reaches the operator's terminal."""
    error, code, lines = ENDS[case]
    assert cli.report(error) == code
    assert capsys.readouterr().err.splitlines() == lines


DRAWING: list[tuple[str, tuple[str, ...], bool, bool]] = [
    ("run", (), True, True),
    ("run", (), False, False),
    ("run", ("telegram",), True, False),
    ("run", ("telegram", "console"), True, True),
    ("chat", ("telegram",), True, True),
    ("chat", (), False, False),
    ("check", (), True, False),
    ("pair", (), True, False),
]


@pytest.mark.parametrize(("command", "adapters", "on_terminal", "draws"), DRAWING)
def test_logs_leave_the_terminal_to_the_console(
    command: str, adapters: tuple[str, ...], on_terminal: bool, draws: bool
) -> None:
    settings = Settings(adapters=adapters)
    assert cli.draws(command, settings, on_terminal) is draws


def test_commands_that_only_answer_are_quiet() -> None:
    """The operator asked for an answer, not for a log, unless the settings say so."""
    assert cli.quieter("check", Settings()).log_level == "warning"
    assert cli.quieter("check", Settings(log_level="debug")).log_level == "debug"
    assert cli.quieter("run", Settings()).log_level == "info"


def test_people_are_let_in_and_out_at_the_command_line(tmp_path: Path) -> None:
    """The commands work on the real embedded database, with and without something to do."""
    done = navi(tmp_path, "migrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all migrations are applied" in done.stdout
    done = navi(tmp_path, "pair", "list")
    assert (done.returncode, done.stdout) == (
        0,
        "Nobody is let in yet, and nobody asks to be.\n",
    )
    done = navi(tmp_path, "pair", "approve", "WRONG")
    assert done.returncode == 1
    assert done.stderr.startswith("The code WRONG is not waiting")
    assert len(done.stderr.splitlines()) == 1
