import json
import logging
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from navi_bot.errors import ConfigurationError
from navi_bot.log import LOG_FILE, configure, one_line
from navi_bot.settings import Settings

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
PASSWORD = 'sw"ord\\fish wörd'


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], root.level, logging.raiseExceptions = handlers, level, raising
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def settings(folder: Path = Path("/nowhere"), **changes: Any) -> Settings:
    return Settings(
        data_dir=folder,
        telegram_bot_token=SecretStr(TOKEN),
        matrix_password=SecretStr(PASSWORD),
        **changes,
    )


def stream(**changes: Any) -> StringIO:
    out = StringIO()
    configure(settings(**changes), stream=out)
    return out


def objects(out: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def broken() -> None:
    try:
        raise ValueError(f"cannot log in with {PASSWORD}")
    except ValueError as error:
        raise ExceptionGroup("tasks", [error, KeyError("room")]) from error


def test_json_event_is_one_object_a_line() -> None:
    """Outside tools read `event`, the level, the time and our own keys."""
    out = stream(log_format="json")
    structlog.contextvars.bind_contextvars(room=5)
    structlog.get_logger("navi_bot.app").info("daemon_ready", adapters=["telegram"])
    (told,) = objects(out)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "daemon_ready",
        "adapters": ["telegram"],
        "room": 5,
        "level": "info",
        "logger": "navi_bot.app",
    }


def test_library_record_has_the_same_shape() -> None:
    out = stream(log_format="json")
    structlog.contextvars.bind_contextvars(room=5)
    logging.getLogger("telegram.ext").warning("lost %s of %d", "one", 3)
    (told,) = objects(out)
    assert told["event"] == "lost one of 3"
    assert (told["level"], told["logger"], told["room"]) == ("warning", "telegram.ext", 5)


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("log_level", ["debug", "info"])
def test_no_secret_reaches_the_log(log_format: str, log_level: str) -> None:
    """Not from values, libraries, objects, warnings or tracebacks."""
    out = stream(log_format=log_format, log_level=log_level)
    log = structlog.get_logger("navi_bot.test")
    log.info("called", url=f"https://api.telegram.org/bot{TOKEN}/getMe", values={"p": [PASSWORD]})
    logging.getLogger("nio").error("password %r was refused", PASSWORD)
    warnings.warn(f"deprecated {TOKEN}", stacklevel=1)
    try:
        broken()
    except ExceptionGroup:
        log.exception("turn_broke")
        logging.getLogger("aiohttp").exception("task failed with %s", PASSWORD)
    text = out.getvalue()
    assert text.count("***") >= 6
    assert "deprecated ***" in text
    for secret in (TOKEN, TOKEN.partition(":")[2], PASSWORD, "ord\\fish", "fish w"):
        assert secret not in text


def test_error_is_one_line_on_the_console() -> None:
    """The reader of the console sees what happened, not where in the code."""
    out = stream()
    try:
        broken()
    except ExceptionGroup:
        structlog.get_logger("navi_bot.x").exception("turn_broke")
        logging.getLogger("aiohttp").exception("task failed")
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "ValueError: cannot log in" in line
        assert "KeyError: " in line
        assert "Traceback" not in line


@pytest.mark.parametrize("changes", [{"log_format": "json"}, {"log_level": "debug"}])
def test_traceback_is_kept_for_those_who_ask(changes: dict[str, str]) -> None:
    out = stream(**changes)
    try:
        broken()
    except ExceptionGroup:
        structlog.get_logger("navi_bot.x").exception("turn_broke")
    assert "Traceback" in out.getvalue()
    assert "in broken" in out.getvalue()


def test_console_draws_undisturbed_while_logs_go_to_a_private_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file is the owner's alone, and it holds the traceback."""
    folder = tmp_path / "new" / "data"
    configure(settings(folder), to_file=True)
    try:
        broken()
    except ExceptionGroup:
        structlog.get_logger("navi_bot.x").exception("turn_broke")
    text = (folder / LOG_FILE).read_text()
    assert "turn_broke" in text
    assert "Traceback" in text
    assert "\x1b" not in text
    assert (folder / LOG_FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert capfd.readouterr() == ("", "")


def test_folder_that_cannot_be_written_is_the_operators_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="NAVI_DATA_DIR"):
        configure(settings(tmp_path / "file"), to_file=True)


LEVELS: list[tuple[str, str, str, bool]] = [
    ("info", "navi_bot.turn", "debug", False),
    ("debug", "navi_bot.turn", "debug", True),
    ("debug", "telegram", "debug", False),
    ("debug", "telegram", "info", True),
    ("debug", "httpx", "info", False),
    ("info", "httpcore.http11", "info", False),
    ("info", "httpx", "warning", True),
    ("error", "httpx", "warning", False),
    ("debug", "nio.responses", "warning", False),
    ("info", "nio.crypto.log", "error", True),
    ("info", "telegram.request.BaseRequest", "error", False),
    ("warning", "navi_bot.turn", "info", False),
]


@pytest.mark.parametrize(("configured", "logger", "level", "told"), LEVELS)
def test_libraries_never_tell_what_people_write(
    configured: str, logger: str, level: str, told: bool
) -> None:
    """Debug is for our own events; at debug level libraries print whole messages."""
    out = stream(log_level=configured)
    getattr(logging.getLogger(logger), level)("something")
    assert bool(out.getvalue()) is told


def test_our_events_obey_the_level() -> None:
    out = stream(log_level="warning")
    structlog.get_logger("navi_bot.x").info("quiet")
    structlog.get_logger("navi_bot.x").warning("loud")
    assert len(out.getvalue().splitlines()) == 1


def test_record_that_cannot_be_rendered_is_not_printed_raw(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """logging's own complaint would print the arguments as they are."""
    stream()
    logging.getLogger("nio").error("number %d", TOKEN)
    assert TOKEN not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\u202eb", "a b\x9b2J\ud800"])
def test_value_cannot_forge_a_line_or_draw(name: str) -> None:
    """A stranger's name with control characters is shown escaped, in a library's text too."""
    out = stream()
    structlog.get_logger("navi_bot.x").info("asked", name=name)
    logging.getLogger("aiohttp").warning("asked by %s", name)
    text = out.getvalue()
    assert len(text.splitlines()) == 2
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


@given(st.text(), st.text())
def test_every_value_makes_one_json_object(event: str, value: str) -> None:
    """Masking never breaks the line that outside tools parse."""
    out = StringIO()
    configure(Settings(log_format="json"), stream=out)
    structlog.get_logger("navi_bot.x").info(
        event, value=value, wrapped=f'/bot1:{value}" ://a:{value}@'
    )
    (told,) = objects(out)
    assert set(told) == {"event", "value", "wrapped", "level", "logger", "timestamp"}


def test_group_of_errors_is_one_line_of_its_leaves() -> None:
    inner = ExceptionGroup("inner", [ValueError("a\nb"), OSError(5, "gone")])
    assert one_line(ExceptionGroup("outer", [inner, KeyError("k")])) == (
        "ValueError: a; OSError: [Errno 5] gone; KeyError: 'k'"
    )
