"""The daemon's log: one stream for our events and the libraries' alike.

    our event ──────► merge context, level, logger, time ─┐
    library record ─► the same ───────────────────────────┴► exceptions → render → redact → stream

Redaction comes last, on the finished line, so that nothing a renderer or a
traceback adds escapes it. On a terminal an error is one line; its traceback
is in the file, in JSON, and at debug level.
"""

import logging
import os
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from navi_bot.errors import ConfigurationError
from navi_bot.redaction import redact
from navi_bot.settings import Settings

LOG_FILE = "navi-bot.log"
"""In the data directory, while the console draws on the terminal."""

FILE_BYTES = 10_000_000
FILES_KEPT = 3
OURS = ("navi_bot", "adapters", "tools")
QUIET = ("apscheduler", "httpcore", "httpx", "procrastinate")
"""Libraries that tell every call at info level: httpx with the token in its address."""
TALKATIVE = ("nio",)
"""Libraries whose warnings quote what people write; we tell the same by name."""
TOLD_TWICE = ("telegram.request", "procrastinate.utils")
"""Libraries that log, with traceback or body, what they raise as well; we tell it by name."""


def configure(settings: Settings, to_file: bool = False, stream: TextIO | None = None) -> None:
    """Send every log record, ours and the libraries', to stderr or to the log file.

    `stream` stands in for stderr. Raises ConfigurationError when the file
    cannot be written.
    """
    stream = stream or sys.stderr
    handler = _file(settings.data_dir) if to_file else logging.StreamHandler(stream)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    colours = not to_file and stream.isatty() and not os.environ.get("NO_COLOR")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(settings, brief=not to_file and level > logging.DEBUG, colours=colours),
                _redactor(settings.secrets()),
            ],
        )
    )
    _replace_handlers(handler)
    _set_levels(level)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # else a record that cannot be rendered is printed unredacted
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def one_line(error: BaseException) -> str:
    """Return an exception as one line; of a group, the errors in it."""
    return "; ".join(f"{type(leaf).__name__}: {leaf}".partition("\n")[0] for leaf in leaves(error))


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group of groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _rendering(settings: Settings, *, brief: bool, colours: bool) -> list[Processor]:
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    exceptions = _brief_exceptions if brief else structlog.processors.format_exc_info
    return [exceptions, _visible, structlog.dev.ConsoleRenderer(colors=colours)]


_in_one_line = structlog.processors.ExceptionRenderer(
    lambda exc_info: one_line(exc_info[1]) if exc_info[1] is not None else ""
)


def _brief_exceptions(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace a traceback by the key `error`."""
    event = _in_one_line(logger, method, event)
    event.pop("stack_info", None)
    if error := event.pop("exception", ""):
        event.setdefault("error", error)
    return event


def _visible(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Escape control characters, so that a value can neither draw nor forge a line."""
    for key, value in event.items():
        if key != "exception" and isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                letter
                if letter.isprintable()
                else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
                for letter in value
            )
    return event


def _redactor(secrets: tuple[str, ...]) -> Processor:
    def redacted(logger: WrappedLogger, method: str, line: object) -> str:
        return redact(str(line), secrets)

    return redacted


def _file(folder: Path) -> RotatingFileHandler:
    path = folder / LOG_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigurationError(
            f"NAVI_DATA_DIR ({folder}) cannot be written: {error.strerror}; "
            "make it yours or choose another."
        ) from error


def _replace_handlers(handler: logging.Handler) -> None:
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)


def _set_levels(level: int) -> None:
    """Libraries never go below info: at debug level they tell what people write."""
    logging.getLogger().setLevel(max(level, logging.INFO))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
    for name in TOLD_TWICE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
